"""Deleting: only what azdeploy made, and only after the group's name was typed."""

import pytest

from tests.azdeploy.test_create import SERVER
from tests.stand_ins import az

OURS = {"tags": {"created-by": "vectorshop-azdeploy"}}
NAME = "rg-exercises\n"


@pytest.fixture
def made(azure):
    """Let azdeploy's own group and server exist; a test may change both."""

    def make(group=OURS, **server):
        azure.change(
            groups={"rg-exercises": group},
            servers={SERVER: az.server(SERVER, **server)},
        )

    make()
    return make


def test_cleanup_deletes_its_group_when_its_name_is_typed(azure, made):
    run = azure.run("cleanup", typed=NAME)

    assert run.status == 0
    assert run.changes == ["group delete --name rg-exercises --yes"]
    assert (azure.state["groups"], azure.state["servers"]) == ({}, {})
    assert "nothing is left running" in run.text


@pytest.mark.parametrize("typed", ["rg-exercise\n", "y\n", "\n", ""])
def test_another_name_deletes_nothing(azure, made, typed):
    run = azure.run("cleanup", typed=typed)

    assert (run.status, run.changes) == (1, [])
    assert "Nothing was deleted" in run.text


def test_yes_needs_the_group_on_the_command_line(azure, made):
    alone = azure.run("cleanup", "--yes")
    named = azure.run("cleanup", "--yes", "--resource-group", "rg-exercises")

    assert (alone.status, alone.changes) == (1, [])
    assert "--resource-group NAME" in alone.text
    assert named.changes == ["group delete --name rg-exercises --yes"]


def test_dry_run_shows_the_deletion_and_deletes_nothing(azure, made):
    run = azure.run("cleanup", "--dry-run")

    assert (run.status, run.changes) == (0, [])
    assert "$ az group delete --name rg-exercises --yes" in run.text
    assert SERVER in azure.state["servers"]


def test_a_group_with_other_resources_stays_and_they_are_listed(azure, made):
    other = {"name": "cat-pictures", "type": "Microsoft.Storage/storageAccounts"}
    made(group={**OURS, "_others": [other]})

    run = azure.run("cleanup", typed=NAME)

    assert run.changes == [
        f"postgres flexible-server delete --resource-group rg-exercises --name {SERVER} "
        "--yes"
    ]
    assert "cat-pictures" in run.text
    assert "rg-exercises" in azure.state["groups"]


def test_a_group_that_somebody_else_made_stays(azure, made):
    made(group={"tags": None})

    run = azure.run("cleanup", typed=NAME)

    assert "not made by azdeploy" in run.text
    assert (list(azure.state["groups"]), azure.state["servers"]) == (
        ["rg-exercises"],
        {},
    )


@pytest.mark.parametrize("group", [OURS, {"tags": {"created-by": "hand"}}])
def test_a_server_that_somebody_else_made_stays(azure, made, group):
    made(group=group, tags={"owner": "me"})

    run = azure.run("cleanup", "--yes", "--resource-group", "rg-exercises")

    assert (run.status, run.changes) == (1, [])
    assert "azdeploy did not make it" in run.text


def test_a_foreign_group_without_our_server_is_refused(azure):
    azure.change(groups={"rg-exercises": {"tags": {}}})

    run = azure.run("cleanup", typed=NAME)

    assert (run.status, run.changes) == (1, [])
    assert "Nothing was deleted" in run.text


def test_an_empty_group_of_ours_goes(azure):
    azure.change(groups={"rg-exercises": OURS})

    azure.run("cleanup", typed=NAME)

    assert azure.state["groups"] == {}


def test_cleanup_of_nothing_says_so(azure):
    run = azure.run("cleanup")

    assert (run.status, run.changes) == (0, [])
    assert "nothing is left running" in run.text


def test_a_refused_deletion_is_not_a_success(azure, made):
    azure.fail("group delete", "ERROR: (ScopeLocked) There is a lock.")

    run = azure.run("cleanup", typed=NAME)

    assert run.status == 1
    assert "There is a lock." in run.text
    assert "nothing is left running" not in run.text


def test_cleanup_takes_the_deleted_host_out_of_the_env_files(azure, made, project):
    made(_admins={az.OBJECT_ID: [az.USER, "User"]})
    (project / ".env").write_text("DEBUG=true\n")
    azure.run("env")

    azure.run("cleanup", typed=NAME)

    assert (project / ".env").read_text() == "DEBUG=true\n"
    assert (project / ".env.ps1").read_text() == ""


def test_cleanup_leaves_another_servers_env_alone(azure, made, project):
    (project / ".env").write_text("DB_HOST=other.example\n")

    azure.run("cleanup", typed=NAME)

    assert (project / ".env").read_text() == "DB_HOST=other.example\n"
