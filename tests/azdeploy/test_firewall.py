"""Who may reach the server: one rule that follows the caller, and no more."""

import pytest

from tests.azdeploy.conftest import MY_ADDRESS
from tests.azdeploy.test_create import SERVER, TAG
from tests.stand_ins import az
from vectorshop.azure import firewall

RULE = f"vectorshop-{TAG}"


@pytest.fixture
def server(azure):
    """Let a server exist whose rules a test may set."""

    def with_rules(**rules):
        made = az.server(
            SERVER, _rules={k.replace("_", "-"): v for k, v in rules.items()}
        )
        azure.change(servers={SERVER: made})

    with_rules()
    return with_rules


def test_auto_opens_for_the_callers_address_and_says_who_was_asked(azure, server):
    run = azure.run("firewall")

    assert azure.server["_rules"] == {RULE: [MY_ADDRESS, MY_ADDRESS]}
    assert f"Asking {firewall.ADDRESS_SERVICE}" in run.text
    assert "--ip" in run.text


def test_a_named_address_asks_nobody(azure, server, monkeypatch):
    monkeypatch.setattr(firewall, "ADDRESS_SERVICE", "http://127.0.0.1:1")

    run = azure.run("firewall", "--ip", "198.51.100.1")

    assert run.status == 0
    assert azure.server["_rules"] == {RULE: ["198.51.100.1", "198.51.100.1"]}


def test_a_range_becomes_one_rule(azure, server):
    azure.run("firewall", "--ip", "198.51.100.0-198.51.100.255")

    assert azure.server["_rules"] == {RULE: ["198.51.100.0", "198.51.100.255"]}


def test_none_closes_what_azdeploy_opened_and_nothing_else(azure, server):
    server(
        **{
            RULE: ["1.2.3.4"] * 2,
            firewall.AZURE_RULE: ["0.0.0.0"] * 2,
            "office": ["5.6.7.8"] * 2,
        }
    )

    azure.run("firewall", "--ip", "none")

    assert azure.server["_rules"] == {"office": ["5.6.7.8"] * 2}


def test_none_on_a_closed_firewall_changes_nothing(azure, server):
    run = azure.run("firewall", "--ip", "none")

    assert (run.status, run.changes) == (0, [])


def test_allow_azure_adds_its_rule_with_a_warning(azure, server):
    run = azure.run("firewall", "--ip", "1.2.3.4", "--allow-azure")

    assert azure.server["_rules"][firewall.AZURE_RULE] == ["0.0.0.0", "0.0.0.0"]
    assert "other customers" in run.text


def test_a_rule_open_to_the_internet_is_pointed_out_with_its_removal(azure, server):
    server(AllowAll=["0.0.0.0", "255.255.255.255"])

    run = azure.run("firewall")

    assert "Rule AllowAll lets in 0.0.0.0-255.255.255.255" in run.text
    assert f"delete --resource-group rg-exercises --server-name {SERVER}" in run.text
    assert "AllowAll" in azure.server["_rules"]


@pytest.mark.parametrize(
    "ip",
    [
        "999.1.1.1",
        "1.2.3",
        "1.2.3.4-",
        "1.2.3.4-1.2.3.3",
        "0.0.0.0",
        "0.0.0.0-255.255.255.255",
        "1.0.0.0-1.1.0.0",
        "::1",
        "",
        "me",
    ],
)
def test_an_address_that_is_none_is_refused_before_azure_is_asked(azure, server, ip):
    run = azure.run("firewall", f"--ip={ip}")

    assert run.status == 1
    assert "--ip" in run.text
    assert run.calls == []


def test_the_widest_range_is_65536_addresses():
    span = firewall.parse_ip("1.0.0.0-1.0.255.255")

    assert str(span) == "1.0.0.0-1.0.255.255"


@pytest.mark.parametrize("answer", [b"<html>Sign in to the hotel</html>", b"", b"\xff"])
def test_a_useless_answer_of_the_address_service_names_the_option(
    azure, server, address_service, answer
):
    address_service[0] = answer

    run = azure.run("firewall")

    assert (run.status, run.changes) == (1, [])
    assert "--ip a.b.c.d" in run.text


def test_an_unreachable_address_service_names_the_option(azure, server, monkeypatch):
    monkeypatch.setattr(firewall, "ADDRESS_SERVICE", "http://127.0.0.1:1")

    run = azure.run("firewall")

    assert (run.status, run.changes) == (1, [])
    assert "--ip a.b.c.d" in run.text
