"""The menu of five options, driven by what is typed, and the status it shows."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.azdeploy.test_create import SERVER
from tests.stand_ins import az
from vectorshop.management.commands.azdeploy import Command

ROOT = Path(__file__).resolve().parents[2]


def test_the_menu_has_the_labs_five_options_and_names(azure):
    run = azure.run(typed="5\n")

    assert run.status == 0
    for line in (
        *("rg-exercises", SERVER, "eastus2"),
        "1. Create PostgreSQL server with Entra authentication",
        "2. Configure Microsoft Entra administrator",
        "3. Check deployment status",
        "4. Retrieve connection info",
        "5. Exit",
    ):
        assert line in run.text


def test_the_labs_way_through_the_menu_ends_with_an_env_file(azure, project):
    run = azure.run(typed="1\ny\n2\n3\n4\n5\n")

    assert run.status == 0
    assert len(run.changes) == 5
    assert "✓ Ready" in run.text
    assert f"DB_HOST={SERVER}." in (project / ".env").read_text()


def test_an_error_returns_to_the_menu(azure):
    run = azure.run(typed="4\n3\n5\n")

    assert run.status == 0
    assert "azdeploy.sh create" in run.text
    assert "not created" in run.text


@pytest.mark.parametrize("typed", ["0\n5\n", "six\n5\n", "\n5\n"])
def test_another_answer_names_the_choices(azure, typed):
    run = azure.run(typed=typed)

    assert (run.status, run.changes) == (0, [])
    assert "Please select 1, 2, 3, 4 or 5." in run.text


def test_the_end_of_the_input_ends_the_menu(azure):
    run = azure.run(typed="")

    assert (run.status, run.changes) == (0, [])


def interrupt(*args):
    raise KeyboardInterrupt


def test_ctrl_c_ends_the_menu(azure, monkeypatch):
    monkeypatch.setattr("vectorshop.azure.console.Console.ask", interrupt)

    run = azure.run()

    assert (run.status, run.changes) == (0, [])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups")
def test_ctrl_c_in_a_step_waits_for_az_and_tells_how_to_go_on(azure):
    azure.change(faults={"group create": {"seconds": 60}})
    program = [sys.executable, ROOT / "manage.py", "azdeploy", "create", "--yes"]
    with subprocess.Popen(
        [*program, "--ip", "none"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    ) as process:
        for line in process.stdout:
            if line.startswith("$ az group create"):
                break
        while ["group", "create"] not in [call[:2] for call in azure.calls()]:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        text = process.stdout.read()

    assert process.returncode == 130
    assert "Interrupted. What Azure has begun may go on" in text
    assert "Traceback" not in text
    assert azure.state["groups"] == {}


def test_status_of_nothing_says_that_nothing_costs(azure):
    run = azure.run("status")

    assert (run.status, run.changes) == (0, [])
    assert "not created" in run.text


def test_status_of_a_finished_server_has_no_warning(azure):
    azure.run("create", "--yes")

    run = azure.run("status")

    assert (run.status, run.changes) == (0, [])
    assert [line[0] for line in run.text.splitlines()].count("✓") == 4
    assert "!" not in run.text
    assert "costs money until `./azdeploy.sh cleanup`" in run.text


@pytest.mark.parametrize(
    "change, text",
    [
        ({"_rules": {"AllowAll": ["0.0.0.0", "255.255.255.255"]}}, "too many"),
        ({"_rules": {"azure": ["0.0.0.0", "0.0.0.0"]}}, "every machine in Azure"),
        ({"_rules": {}}, "lets nobody in"),
        ({"_admins": {}}, "azdeploy.sh admin"),
        ({"_extensions": "POSTGIS"}, "not allowed yet"),
        ({"state": "Stopped"}, "State: Stopped"),
        (
            {
                "authConfig": {
                    "activeDirectoryAuth": "Disabled",
                    "passwordAuth": "Enabled",
                }
            },
            "Passwords still work",
        ),
        ({"network": {"publicNetworkAccess": "Disabled"}}, "Public access is off"),
    ],
)
def test_status_points_out_what_is_not_as_it_should_be(azure, change, text):
    azure.change(servers={SERVER: az.server(SERVER, **change)})

    run = azure.run("status")

    assert (run.status, run.changes) == (0, [])
    assert [line for line in run.text.splitlines() if text in line][0].startswith("!")


def test_a_terminal_without_the_signs_gets_ascii(azure):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="cp850", write_through=True)

    call_command(Command(), "create", "--yes", stdout=terminal, no_color=True)

    assert b"\nok Server psql-vector-" in terminal.buffer.getvalue()
