"""A dry run shows every command without az, without a sign-in and without a network."""

import pytest

from tests.azdeploy.test_create import FLEXIBLE, SERVER, STEPS
from tests.stand_ins.azdeploy import CHANGING
from vectorshop.azure import firewall

XS = "psql-vector-xxxxxxxx"
PLACE = f"--resource-group rg-exercises --server-name {XS}"
NAMED = f"--resource-group rg-exercises --name {XS}"
ROLE = ["role", "my-shop", "--object-id", "00000000-0000-4000-8000-000000000000"]
COMMANDS = {
    "create": [
        f"{FLEXIBLE} show {NAMED}",
        "provider show --namespace Microsoft.DBforPostgreSQL",
        "provider register --namespace Microsoft.DBforPostgreSQL --wait",
        f"{FLEXIBLE} list-skus --location eastus2",
        "group show --name rg-exercises",
        "group create --name rg-exercises --location eastus2 "
        "--tags created-by=vectorshop-azdeploy",
        f"{FLEXIBLE} create {NAMED} "
        "--location eastus2 --sku-name Standard_B1ms --tier Burstable "
        "--storage-size 32 --version 17 --public-access Enabled "
        "--microsoft-entra-auth Enabled --password-auth Disabled "
        "--tags created-by=vectorshop-azdeploy --yes",
        f"{FLEXIBLE} parameter set {PLACE} --name azure.extensions --value VECTOR",
        f"{FLEXIBLE} firewall-rule create {PLACE} --name vectorshop-xxxxxxxx "
        "--start-ip-address YOUR_ADDRESS --end-ip-address YOUR_ADDRESS",
        f"{FLEXIBLE} microsoft-entra-admin create {PLACE} --display-name YOUR_NAME "
        "--object-id YOUR_OBJECT_ID --type User",
    ],
    "admin": [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} microsoft-entra-admin list {PLACE}",
        f"{FLEXIBLE} microsoft-entra-admin create {PLACE} --display-name YOUR_NAME "
        "--object-id YOUR_OBJECT_ID --type User",
    ],
    "status": [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} microsoft-entra-admin list {PLACE}",
        f"{FLEXIBLE} parameter show {PLACE} --name azure.extensions",
        f"{FLEXIBLE} firewall-rule list {PLACE}",
        f"{FLEXIBLE} list --resource-group rg-exercises",
        "containerapp list --resource-group rg-exercises",
        "containerapp job execution list --name job-setup-xxxxxxxx "
        "--resource-group rg-exercises",
    ],
    "env": [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} microsoft-entra-admin list {PLACE}",
    ],
    "firewall": [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} firewall-rule list {PLACE}",
        f"{FLEXIBLE} firewall-rule create {PLACE} --name vectorshop-xxxxxxxx "
        "--start-ip-address YOUR_ADDRESS --end-ip-address YOUR_ADDRESS",
    ],
    "firewall --ip none": [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} firewall-rule list {PLACE}",
        f"{FLEXIBLE} firewall-rule delete {PLACE} --name vectorshop-xxxxxxxx --yes",
        f"{FLEXIBLE} firewall-rule delete {PLACE} --name {firewall.AZURE_RULE} --yes",
    ],
    "cleanup": [
        "group show --name rg-exercises",
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} list --resource-group rg-exercises",
        "resource list --resource-group rg-exercises",
        "group delete --name rg-exercises --yes",
    ],
    "replica shop-read": [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} replica create --resource-group rg-exercises --name shop-read "
        "--source-server psql-vector-xxxxxxxx --tags created-by=vectorshop-azdeploy "
        "--yes",
        f"{FLEXIBLE} firewall-rule create --resource-group rg-exercises "
        "--server-name shop-read --name vectorshop-xxxxxxxx "
        "--start-ip-address YOUR_ADDRESS --end-ip-address YOUR_ADDRESS",
    ],
    " ".join(ROLE): [
        f"{FLEXIBLE} show {NAMED}",
        f"{FLEXIBLE} microsoft-entra-admin list {PLACE}",
    ],
}


@pytest.fixture
def nowhere(azure, monkeypatch, tmp_path):
    """Return an Azure that nobody reaches, from a machine without az."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(firewall, "callers_address", no_network)
    return azure


def no_network(*args, **kwargs):
    raise AssertionError("the network was asked")


def commands(text):
    return [line[5:] for line in text.splitlines() if line.startswith("$ az ")]


@pytest.mark.parametrize("action", COMMANDS)
def test_every_command_is_shown_without_az(nowhere, project, action):
    run = nowhere.run(*action.split(), "--dry-run")

    assert run.status == 0, run.text
    assert commands(run.text) == COMMANDS[action]
    assert "not installed" in run.text
    assert "xxxxxxxx for 8 digits made from your object id" in run.text
    assert "Dry run: nothing was changed." in run.text
    assert "✓" not in run.text
    assert list(project.iterdir()) == []


def test_every_command_of_app_is_shown_without_az(nowhere, project):
    (project / "Dockerfile").touch()
    (project / ".dockerignore").touch()

    run = nowhere.run("app", "--dry-run")

    shown = [command.partition(" --")[0] for command in commands(run.text)]
    makes = [name for name in shown if name.split()[-1] in CHANGING]
    assert run.status == 0, run.text
    assert makes == [
        *["provider register"] * 4,
        *["identity create"] * 2,
        "acr create",
        *["role assignment create"] * 2,
        "monitor log-analytics workspace create",
        "containerapp env create",
        f"{FLEXIBLE} microsoft-entra-admin create",
        f"{FLEXIBLE} firewall-rule create",
        "acr build",
        "containerapp job create",
        "containerapp job start",
        "containerapp create",
        "containerapp update",
    ]
    assert "--logs-workspace-id YOUR_WORKSPACE_ID" in run.text
    assert "secret-key=@-" in run.text
    assert not (project / ".data").exists()


def test_without_an_action_the_commands_of_create_are_shown(nowhere):
    run = nowhere.run("--dry-run")

    assert (run.status, commands(run.text)) == (0, COMMANDS["create"])


def test_names_and_sizes_of_the_command_line_are_in_the_commands(nowhere):
    run = nowhere.run(
        *("create", "--dry-run", "--server-name", "my-shop", "--nodes", "2"),
        *("--ip", "203.0.113.7", "--subscription", "Lab"),
    )

    shown = commands(run.text)
    assert run.status == 0
    assert all(command.endswith(" --subscription Lab") for command in shown)
    assert any("--name my-shop" in c and "--node-count 2" in c for c in shown)
    assert any("--start-ip-address 203.0.113.7" in command for command in shown)
    assert "YOUR_ADDRESS" not in run.text


def test_the_statements_of_role_are_shown_without_a_database(nowhere):
    run = nowhere.run(*ROLE, "--dry-run")

    assert run.status == 0
    assert 'CREATE ROLE "vectorshop_owner" NOLOGIN;' in run.text
    assert "pgaadauth_create_principal_with_oid('my-shop'" in run.text
    assert 'GRANT USAGE ON SCHEMA public TO "my-shop";' in run.text


@pytest.mark.parametrize(
    "start", ["account get-access-token", f"{FLEXIBLE} show", "account show"]
)
def test_an_az_that_reaches_nobody_is_as_good_as_none(azure, start):
    azure.fail(start, "ERROR: Failed to establish a new connection")

    run = azure.run("create", "--dry-run")

    assert (run.status, run.changes) == (0, [])
    assert "Failed to establish a new connection" in run.text
    assert [f"$ az {step}" in run.text for step in STEPS] == [True] * len(STEPS)


def test_without_the_address_service_a_dry_run_goes_on(azure, address_service):
    address_service[0] = b"<html>Please log in to this hotel</html>"

    run = azure.run("create", "--dry-run")

    assert (run.status, run.changes) == (0, [])
    assert f"--name {SERVER}" in run.text
    assert "--start-ip-address YOUR_ADDRESS" in run.text


@pytest.mark.parametrize("action", COMMANDS)
def test_without_dry_run_az_is_needed(nowhere, action):
    run = nowhere.run(*action.split())

    assert run.status == 1
    assert "not installed" in run.text
    assert commands(run.text) == []
