"""Creating the server: steps, prerequisites, failures, and going on after them."""

import hashlib
import os
import re

import pytest

from tests.azdeploy.conftest import MY_ADDRESS
from tests.stand_ins import az

TAG = hashlib.sha1(az.OBJECT_ID.encode()).hexdigest()[:8]
SERVER = f"psql-vector-{TAG}"
FLEXIBLE = "postgres flexible-server"
STEPS = [
    "group create",
    f"{FLEXIBLE} create",
    f"{FLEXIBLE} parameter set",
    f"{FLEXIBLE} firewall-rule create",
    f"{FLEXIBLE} microsoft-entra-admin create",
]


def test_create_makes_group_server_extension_rule_and_administrator(azure):
    run = azure.run("create", "--yes")

    assert run.status == 0
    assert run.changes == [
        "group create --name rg-exercises --location eastus2 "
        "--tags created-by=vectorshop-azdeploy",
        f"{FLEXIBLE} create --resource-group rg-exercises --name {SERVER} "
        "--location eastus2 --sku-name Standard_B1ms --tier Burstable "
        "--storage-size 32 --version 17 --public-access Enabled "
        "--microsoft-entra-auth Enabled --password-auth Disabled "
        "--tags created-by=vectorshop-azdeploy --yes",
        f"{FLEXIBLE} parameter set --resource-group rg-exercises --server-name "
        f"{SERVER} --name azure.extensions --value VECTOR",
        f"{FLEXIBLE} firewall-rule create --resource-group rg-exercises --server-name "
        f"{SERVER} --name vectorshop-{TAG} --start-ip-address {MY_ADDRESS} "
        f"--end-ip-address {MY_ADDRESS}",
        f"{FLEXIBLE} microsoft-entra-admin create --resource-group rg-exercises "
        f"--server-name {SERVER} --display-name {az.USER} --object-id {az.OBJECT_ID} "
        "--type User",
    ]


WITH_PASSWORD = " --admin-user vectorshop_unused --admin-password @-"


def test_a_password_that_azure_wants_all_the_same_is_given_once(azure):
    azure.change(wants_password=True)

    run = azure.run("create", "--yes")

    assert run.status == 0
    _, refused, repeated, *rest = run.changes
    assert repeated == refused + WITH_PASSWORD
    assert "--password-auth Disabled" in repeated
    assert len(rest) == 3
    assert f"$ az {repeated}" in run.text.splitlines()
    assert azure.server["authConfig"]["passwordAuth"] == "Disabled"


def test_the_password_is_random_and_strong_and_in_no_file_log_or_process_list(
    azure, tmp_path, caplog, capfd
):
    caplog.set_level("DEBUG")
    azure.change(wants_password=True)
    runs = [
        azure.run("create", "--yes", "--server-name", name) for name in ("a1a", "b1b")
    ]
    passwords = azure.state["passwords"]
    azure.change(passwords=[])  # Azure has them, nobody else

    assert len({*passwords}) == 2
    for password in passwords:
        assert len(password) > 60
        assert re.search("[a-z]", password) and re.search("[A-Z]", password)
        assert re.search("[0-9]", password) and re.search("[^a-zA-Z0-9]", password)
        shown = (
            "".join(run.text for run in runs) + caplog.text + str(capfd.readouterr())
        )
        assert password not in shown
        assert "WARNING: made vectorshop_unused with ***" in shown
        assert password not in str([run.calls for run in runs])
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert len(files) > 1
        assert not [path for path in files if password in path.read_text()]
        assert password not in str(os.environ)


def test_a_password_is_tried_once_only(azure):
    azure.fail(f"{FLEXIBLE} create", az.WANTS_PASSWORD)

    run = azure.run("create", "--yes")

    assert run.status == 1
    assert [change.endswith("@-") for change in run.changes] == [False, False, True]
    assert f"az {FLEXIBLE} create failed" in run.text


def test_another_missing_parameter_is_no_reason_for_a_password(azure):
    text = "ERROR: (MissingRequiredParameter) Parameter 'Sku' must be specified"
    azure.fail(f"{FLEXIBLE} create", text)

    run = azure.run("create", "--yes")

    assert run.status == 1
    assert "admin-password" not in run.text


@pytest.mark.parametrize("wants_password", [False, True])
def test_a_server_that_takes_passwords_is_opened_to_nobody(azure, wants_password):
    azure.change(wants_password=wants_password, ignores_password_auth=True)

    runs = [azure.run("create", "--yes"), azure.run("create", "--yes")]

    for run in runs:
        assert run.status == 1
        assert f"Passwords can sign in to {SERVER}" in run.text
        assert (
            "az postgres flexible-server update --resource-group rg-exercises --name "
            f"{SERVER} --password-auth Disabled" in run.text
        )
    assert azure.server["_rules"] == {}


def test_passwords_of_somebody_elses_server_are_pointed_out(azure):
    auth = {"activeDirectoryAuth": "Enabled", "passwordAuth": "Enabled"}
    azure.change(servers={SERVER: az.server(SERVER, authConfig=auth, tags={})})

    run = azure.run("create")

    assert run.status == 0
    assert f"Passwords can sign in to {SERVER}" in run.text


def test_every_changing_command_is_echoed(azure):
    run = azure.run("create", "--yes")

    assert [line for line in run.text.splitlines() if line.startswith("$ az")] == [
        f"$ az {change}" for change in run.changes
    ]


def test_a_second_create_changes_nothing(azure):
    azure.run("create", "--yes")

    run = azure.run("create")

    assert (run.status, run.changes) == (0, [])


def test_a_second_create_from_elsewhere_changes_the_rule_only(azure, address_service):
    azure.run("create", "--yes")
    address_service[0] = b"198.51.100.9"

    run = azure.run("create")

    assert len(run.changes) == 1
    assert azure.server["_rules"] == {f"vectorshop-{TAG}": ["198.51.100.9"] * 2}


def test_cost_is_said_before_anything_is_made_and_no_is_an_answer(azure):
    run = azure.run("create", typed="n\n")

    assert run.status == 1
    assert "costs money" in run.text
    assert "Nothing was changed" in run.text
    assert run.changes == []


def test_create_without_an_answer_names_the_option_yes(azure):
    run = azure.run("create", typed="")

    assert (run.status, run.changes) == (1, [])
    assert "--yes" in run.text


def test_dry_run_shows_the_commands_and_changes_nothing(azure):
    before = azure.state

    run = azure.run("create", "--dry-run")

    assert (run.status, run.changes, azure.state) == (0, [], before)
    assert [f"$ az {step}" in run.text for step in STEPS] == [True] * len(STEPS)
    assert "created\n" not in run.text


@pytest.mark.parametrize("step", STEPS)
def test_a_failed_step_ends_the_run_and_the_next_run_goes_on_from_there(azure, step):
    azure.fail(step, "ERROR: (Teapot) Short and stout.")

    failed = azure.run("create", "--yes")
    azure.heal()
    resumed = azure.run("create", "--yes")

    assert failed.status == 1
    assert "(Teapot) Short and stout." in failed.text
    assert f"az {step} failed" in failed.text
    after = failed.text.partition("Teapot")[2]
    assert "✓" not in after and "$ az" not in after
    assert resumed.status == 0
    assert [change.startswith(step) for change in resumed.changes][0]
    assert len(resumed.changes) == len(STEPS) - STEPS.index(step)
    assert azure.server["_admins"] == {az.OBJECT_ID: [az.USER, "User"]}


def test_extensions_that_are_allowed_already_stay_allowed(azure):
    azure.change(
        groups={"rg-exercises": {}},
        servers={SERVER: az.server(SERVER, _extensions="PG_TRGM,POSTGIS")},
    )

    azure.run("create")

    assert azure.server["_extensions"] == "PG_TRGM,POSTGIS,VECTOR"


@pytest.mark.parametrize("listed", ["vector", "HSTORE, Vector"])
def test_an_allowed_extension_is_not_added_twice(azure, listed):
    azure.change(servers={SERVER: az.server(SERVER, _extensions=listed)})

    azure.run("create")

    assert azure.server["_extensions"] == listed


@pytest.mark.parametrize("state, command", [("Stopped", "start"), ("Updating", "wait")])
def test_a_server_that_is_not_ready_is_started_or_waited_for(azure, state, command):
    azure.change(servers={SERVER: az.server(SERVER, state=state)})

    run = azure.run("create")

    assert run.changes[0].startswith(f"{FLEXIBLE} {command}")
    assert azure.server["state"] == "Ready"


def test_an_unregistered_provider_is_registered_first(azure):
    azure.change(registered=False)

    run = azure.run("create", "--yes")

    assert run.changes[0] == (
        "provider register --namespace Microsoft.DBforPostgreSQL --wait"
    )


def test_a_cluster_is_made_of_nodes_of_a_larger_size(azure):
    run = azure.run("create", "--yes", "--nodes", "2")

    assert (
        "--sku-name Standard_D2ds_v5 --tier GeneralPurpose --node-count 2"
        in run.changes[1]
    )


def test_names_and_sizes_come_from_the_command_line(azure):
    azure.change(skus={"MemoryOptimized": ["Standard_E2ds_v5"]})

    run = azure.run(
        *("create", "--yes", "--resource-group", "shop", "--location", "westeurope"),
        *("--server-name", "my-shop", "--sku", "Standard_E2ds_v5", "--version", "16"),
    )

    assert "--name shop --location westeurope" in run.changes[0]
    assert (
        "create --resource-group shop --name my-shop --location westeurope "
        "--sku-name Standard_E2ds_v5 --tier MemoryOptimized --storage-size 32 "
        "--version 16" in run.changes[1]
    )


def test_the_subscription_reaches_every_command(azure):
    run = azure.run("create", "--yes", "--subscription", "Lab")

    assert run.status == 0
    assert {tuple(call[-2:]) for call in run.calls} == {("--subscription", "Lab")}


def test_options_before_the_action_count_as_well(azure):
    run = azure.run("--location", "westeurope", "--yes", "create")

    assert "--location westeurope" in run.changes[0]


def test_a_machine_without_az_is_told_where_to_get_it(azure, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    run = azure.run("status")

    assert run.status == 1
    assert "not installed" in run.text
    assert "install-azure-cli" in run.text


def test_an_old_az_is_named_with_the_version_needed(azure):
    azure.change(version="2.85.0")

    run = azure.run("create", "--yes")

    assert (run.status, run.changes) == (1, [])
    assert "az 2.85.0 is too old: 2.86.0" in run.text


@pytest.mark.parametrize("action", [["create"], ["status"], ["cleanup"], []])
def test_without_sign_in_azs_words_and_the_next_command_are_shown(azure, action):
    azure.change(signed_in=False)

    run = azure.run(*action)

    assert (run.status, run.changes) == (1, [])
    assert "ERROR: Please run 'az login'" in run.text
    assert "Sign in first: az login" in run.text


def test_a_region_without_the_size_names_those_it_has(azure):
    azure.change(skus={"Burstable": ["Standard_B2s", "Standard_B2ms"]})

    run = azure.run("create", "--yes")

    assert (run.status, run.changes) == (1, [])
    assert "eastus2 does not offer Standard_B1ms" in run.text
    assert "Standard_B2ms, Standard_B2s" in run.text


def test_a_region_without_the_version_names_those_it_has(azure):
    run = azure.run("create", "--yes", "--version", "99")

    assert (run.status, run.changes) == (1, [])
    assert "--version may be: 16, 17" in run.text


def test_a_restricted_region_suggests_another(azure):
    azure.change(restricted=True)

    run = azure.run("create", "--yes")

    assert (run.status, run.changes) == (1, [])
    assert "--location" in run.text


@pytest.mark.parametrize(
    "text, advice",
    [
        ("ERROR: (AuthorizationFailed) The client has no rights.", "Contributor"),
        ("ERROR: (QuotaExceeded) Too many cores.", "more quota"),
        ("ERROR: The specified server name is already in use.", "--server-name"),
        ("ERROR: (ServerIsBusy) Cannot complete operation.", "Try again"),
        ("ERROR: Something nobody has seen.", "failed (exit status 1)."),
    ],
)
def test_azs_refusal_is_shown_with_advice(azure, text, advice):
    azure.fail(f"{FLEXIBLE} create", text)

    run = azure.run("create", "--yes")

    assert run.status == 1
    assert text in run.text
    assert advice in run.text


def test_a_managed_identity_becomes_administrator_by_its_resources_name(azure):
    identity = "/subscriptions/x/resourcegroups/y/providers/z/deployer"
    azure.change(claims={"oid": az.OBJECT_ID, "xms_mirid": identity})

    azure.run("create", "--yes")

    assert azure.server["_admins"] == {az.OBJECT_ID: ["deployer", "ServicePrincipal"]}


def test_an_application_without_a_name_is_known_by_its_id(azure):
    azure.change(claims={"oid": az.OBJECT_ID, "appid": "the-app"})

    azure.run("create", "--yes")

    assert azure.server["_admins"] == {az.OBJECT_ID: ["the-app", "ServicePrincipal"]}


def test_a_slow_step_says_how_long_it_has_been_running(azure, monkeypatch):
    monkeypatch.setattr("vectorshop.azure.console.QUIET_SECONDS", 0.2)
    azure.change(faults={f"{FLEXIBLE} create": {"seconds": 0.5}})

    run = azure.run("create", "--yes")

    assert "  Creating the server, usually 5 to 10 minutes… 0:00" in run.text


@pytest.mark.parametrize("name", ["Shop", "-shop", "shop-", "a", "shop_1"])
def test_a_server_name_that_azure_refuses_is_refused_at_once(azure, name):
    run = azure.run("create", "--yes", f"--server-name={name}")

    assert (run.status, run.changes) == (1, [])
    assert "lower-case letters" in run.text


def test_admin_changes_nothing_for_an_administrator(azure):
    azure.run("create", "--yes")

    run = azure.run("admin")

    assert (run.status, run.changes) == (0, [])
    assert az.USER in run.text


def test_admin_before_create_names_create(azure):
    run = azure.run("admin")

    assert (run.status, run.changes) == (1, [])
    assert "azdeploy.sh create" in run.text
