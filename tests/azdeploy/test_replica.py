"""Read replicas: made once, listed, and deleted before their server."""

import pytest

from tests.azdeploy.test_create import SERVER
from tests.stand_ins import az

OURS = {"tags": {"created-by": "vectorshop-azdeploy"}}
LARGE = {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"}
CREATE = (
    "postgres flexible-server replica create --resource-group rg-exercises --name {name} "
    f"--source-server {SERVER} --tags created-by=vectorshop-azdeploy --yes"
)


@pytest.fixture
def made(azure):
    """Let azdeploy's group and a server that can have replicas exist."""
    azure.change(
        groups={"rg-exercises": OURS}, servers={SERVER: az.server(SERVER, sku=LARGE)}
    )


def replica(azure, name="shop-read", *options):
    return azure.run("replica", name, "--yes", "--ip", "203.0.113.7", *options)


@pytest.mark.usefixtures("made")
def test_a_replica_is_made_and_a_second_run_changes_nothing(azure):
    first, second = replica(azure), replica(azure)

    assert (first.status, second.status) == (0, 0)
    assert first.changes[0] == CREATE.format(name="shop-read")
    assert "firewall-rule create" in first.changes[1]
    assert "--server-name shop-read" in first.changes[1]
    assert second.changes == []
    host = "shop-read.postgres.database.azure.com"
    assert f"DB_REPLICA_HOSTS={host}" in first.text
    assert azure.state["servers"]["shop-read"]["replicationRole"] == "AsyncReplica"


@pytest.mark.usefixtures("made")
def test_a_dry_run_shows_the_commands(azure):
    run = replica(azure, "shop-read", "--dry-run")

    assert (run.status, run.changes) == (0, [])
    assert f"$ az {CREATE.format(name='shop-read')}" in run.text


def test_a_burstable_server_has_no_replicas(azure):
    azure.change(groups={"rg-exercises": OURS}, servers={SERVER: az.server(SERVER)})

    run = replica(azure)

    assert (run.status, run.changes) == (1, [])
    assert "--tier GeneralPurpose --sku-name Standard_D2ds_v5" in run.text


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("name", "says"),
    [("Shop", "cannot name a server"), ("taken", "is not a replica of")],
)
def test_a_name_that_cannot_be_taken_is_refused(azure, name, says):
    azure.change(
        servers=azure.state["servers"] | {"taken": az.server("taken", sku=LARGE)}
    )

    run = replica(azure, name)

    assert (run.status, run.changes) == (1, [])
    assert says in run.text


@pytest.mark.usefixtures("made")
def test_the_status_lists_the_replicas(azure):
    replica(azure)

    assert "Replica shop-read.postgres.database.azure.com is ready" in (
        azure.run("status").text
    )


@pytest.mark.usefixtures("made")
def test_cleanup_deletes_the_replicas_with_the_group(azure):
    replica(azure)

    run = azure.run("cleanup", "--yes", "--resource-group", "rg-exercises")

    assert run.changes == ["group delete --name rg-exercises --yes"]
    assert "This deletes its replica shop-read." in run.text


@pytest.mark.usefixtures("made")
def test_in_a_shared_group_the_replicas_go_before_their_server(azure):
    replica(azure)
    azure.change(groups={"rg-exercises": {"tags": {}}})

    run = azure.run("cleanup", "--yes", "--resource-group", "rg-exercises")

    names = [change.split("--name ")[1].split()[0] for change in run.changes]
    assert names == ["shop-read", SERVER]


@pytest.mark.usefixtures("made")
def test_a_replica_that_somebody_else_made_keeps_its_server(azure):
    replica(azure)
    servers = azure.state["servers"]
    servers["shop-read"]["tags"] = {}
    azure.change(servers=servers)

    run = azure.run("cleanup", "--yes", "--resource-group", "rg-exercises")

    assert (run.status, run.changes) == (1, [])
    assert set(azure.state["servers"]) == {SERVER, "shop-read"}
