"""The real az: it accepts every command line of azdeploy, and runs them on loopback.

Not collected by default: az takes 700 MB. `make test-azure-cli` installs it and names
this file.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.azdeploy.test_create import SERVER
from tests.azure_cli import container_apps, resource_manager
from tests.stand_ins import az
from tests.stand_ins.azdeploy import AzureStandIn, azdeploy
from vectorshop.azure import cli
from vectorshop.azure.resources import Names

AZ = Path(__file__).resolve().parents[2] / ".data" / "azure-cli" / "bin" / "az"
IP = ("--ip", "203.0.113.7")
GROUP = "rg-exercises"
STOPPED = {"state": "Stopped", "_rules": {"vectorshop-azure-services": ["0.0.0.0"] * 2}}
OTHER = {"name": "cat", "type": "Microsoft.Storage/storageAccounts"}


@pytest.fixture
def configuration(tmp_path, monkeypatch, settings):
    """Return an az configuration folder with nobody signed in."""
    assert AZ.exists(), "az is not installed: run `make test-azure-cli`"
    settings.BASE_DIR = tmp_path
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("*\n!manage.py\n")
    (tmp_path / "manage.py").write_text("print('shop')\n")
    folder = tmp_path / "az"
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(folder))
    monkeypatch.setenv("AZURE_CORE_COLLECT_TELEMETRY", "false")
    return folder


def run_az(*argv):
    return subprocess.run(
        [AZ, *argv],
        env=cli.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def server(**changes):
    return {"psql-shop": az.server("psql-shop", **changes)}


def parts():
    """Return the app as `azdeploy app` makes it, with an older image."""
    state = az.fresh()
    tag = SERVER.removeprefix("psql-vector-")
    for kind, name in Names(GROUP, "eastus2", tag).parts:
        options = {
            "name": name,
            "resource-group": GROUP,
            "tags": "created-by=vectorshop-azdeploy",
            "image": "older",
        }
        az.part_create(" ".join(kind.command))(state, options)
    return state["parts"]


# A state of Azure, and a run of azdeploy that takes a path of its own through it.
RUNS = [
    ({"registered": False}, ["create", "--yes", "--allow-azure", *IP]),
    ({}, ["create", "--yes", "--nodes", "2", *IP]),
    ({"wants_password": True}, ["create", "--yes", *IP]),
    ({"servers": server(**STOPPED)}, ["create", "--ip", "none"]),
    ({"servers": server(state="Updating")}, ["create", *IP]),
    ({"servers": server()}, ["admin"]),
    ({"servers": server(_admins={az.OBJECT_ID: ["ada", "User"]})}, ["env"]),
    ({"servers": server()}, ["status"]),
    (
        {"servers": server(sku={"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"})},
        ["replica", "shop-read", "--yes", *IP],
    ),
    ({"servers": server()}, ["firewall", *IP]),
    ({"servers": server(), "registered": False}, ["app", "--yes"]),
    ({"servers": server(), "parts": parts()}, ["app", "--yes"]),
    (
        {"groups": {GROUP: {"tags": {}}}, "servers": server(), "parts": parts()},
        ["cleanup", "--yes", "--resource-group", GROUP],
    ),
    (
        {
            "groups": {GROUP: {"tags": {"created-by": "vectorshop-azdeploy"}}},
            "servers": server(),
        },
        ["cleanup", "--yes", "--resource-group", GROUP],
    ),
    (
        {"groups": {GROUP: {"tags": {}, "_others": [OTHER]}}, "servers": server()},
        ["cleanup", "--yes", "--resource-group", GROUP],
    ),
]


@pytest.fixture
def command_lines(tmp_path):
    """Return every command line azdeploy can produce, one of each shape."""
    shapes = {}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path / "stand-in"
        folder.mkdir()
        azure = AzureStandIn(folder, patch)
        for changes, argv in RUNS:
            azure.state = az.fresh(**changes)
            run = azure.run(
                *argv, "--server-name", "psql-shop", "--subscription", "Lab"
            )
            assert run.status == 0, run.text
            for call in run.calls:
                command, options = az.parse(call)
                shapes[command, *options] = call
    return list(shapes.values())


def test_the_real_parser_accepts_every_command_line(configuration, command_lines):
    used = {az.parse(line)[0] for line in command_lines}
    answers = [(line, run_az(*line)) for line in command_lines]

    refused = [
        (line, answer.stderr)
        for line, answer in answers
        if line[0] != "version"
        and "Please run 'az login'" not in answer.stderr
        # az takes every failure to look for app or job as its absence.
        and not ("--yaml" in line and "does not exist" in answer.stderr)
    ]

    assert refused == []
    assert {answer.returncode for _, answer in answers} == {0, 1}
    # Nothing that the stand-in can do has been left out.
    assert {name.removeprefix("postgres flexible-server ") for name in used} == {
        *az.HANDLERS,
        "version",
    }


@pytest.mark.parametrize(
    "line",
    [
        "postgres flexible-server ad-admin list -g g -s s",
        "postgres flexible-server firewall-rule create -g g -n s --rule-name r "
        "--start-ip-address 1.2.3.4 --end-ip-address 1.2.3.4",
        "postgres flexible-server create --cluster-option ElasticCluster",
    ],
)
def test_the_real_parser_refuses_what_is_gone(configuration, line):
    assert run_az(*line.split()).returncode == 2


def test_nobody_signed_in_is_told_in_azs_words(configuration, monkeypatch):
    monkeypatch.setenv("PATH", str(AZ.parent), prepend=":")

    status, text = azdeploy(monkeypatch, "status")

    assert status == 1
    assert "ERROR: Please run 'az login' to setup account." in text
    assert "Sign in first: az login" in text


@pytest.fixture
def azure(configuration, tmp_path, monkeypatch):
    """Return a loopback Azure that the real az is signed in to."""
    azure = resource_manager.Azure()
    arm, identity = resource_manager.serve(azure, tmp_path)
    endpoint = f"http://127.0.0.1:{identity.server_port}/identity"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "azure.crt"))
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", "loopback")
    monkeypatch.setenv("PATH", str(AZ.parent), prepend=os.pathsep)
    cloud = tmp_path / "cloud.json"
    cloud.write_text(json.dumps(resource_manager.cloud(arm.server_port)))
    for line in (
        ("cloud", "register", "-n", "loopback", "--cloud-config", f"@{cloud}")
        + ("--skip-endpoint-discovery",),
        ("cloud", "set", "-n", "loopback"),
        ("login", "--identity"),
    ):
        result = run_az(*line)
        assert result.returncode == 0, result.stderr
    yield azure
    for server in (arm, identity):
        server.shutdown()
        server.server_close()
    assert azure.unknown == []


def changes(azure):
    """Return what was changed since the last time, and forget it."""
    found = [
        (method, path.partition("/resourcegroups/")[2] or path.rpartition("/")[2])
        for method, path, _ in ((m, p.lower(), b) for m, p, b in azure.requests)
        if method in ("PUT", "PATCH", "DELETE") or path.endswith("/register")
    ]
    azure.requests.clear()
    return found


def test_the_real_az_takes_a_server_from_nothing_and_back(azure, monkeypatch, tmp_path):
    name = ("--server-name", "psql-shop")
    here = f"{GROUP}/providers/microsoft.dbforpostgresql/flexibleservers/psql-shop"

    created = azdeploy(monkeypatch, "create", "--yes", *IP, *name)
    made = changes(azure)
    stored = azure.resources[f"{resource_manager.ROOT}/resourcegroups/{here}"]
    again = azdeploy(monkeypatch, "create", *IP, *name)
    admin = azdeploy(monkeypatch, "admin", *name)
    status = azdeploy(monkeypatch, "status", *name)
    env = azdeploy(monkeypatch, "env", "--with-token", *name)
    unchanged = changes(azure)
    env_file = (tmp_path / ".env").read_text()
    closed = azdeploy(monkeypatch, "firewall", "--ip", "none", *name)
    rule = changes(azure)
    cleaned = azdeploy(monkeypatch, "cleanup", *name, typed=f"{GROUP}\n")

    for code, text in (created, again, admin, status, env, closed, cleaned):
        assert code == 0, text
    assert [path.removeprefix(here) for _, path in made] == [
        *("register", GROUP, "", "/configurations/azure.extensions"),
        *(
            made[4][1].removeprefix(here),
            f"/administrators/{resource_manager.OBJECT_ID}",
        ),
    ]
    assert made[4][1].startswith(f"{here}/firewallrules/vectorshop-")
    assert stored["properties"]["network"] == {"publicNetworkAccess": "Enabled"}
    assert stored["properties"]["authConfig"] == {
        "activeDirectoryAuth": "Enabled",
        "passwordAuth": "Disabled",
    }
    assert stored["tags"] == {"created-by": "vectorshop-azdeploy"}
    assert unchanged == []
    assert "!" not in status[1] and status[1].count("✓") == 4
    assert f"DB_USER={resource_manager.USER}\n" in env_file
    assert "export PGPASSWORD=ey" in env_file
    assert rule == [("DELETE", made[4][1])]
    assert changes(azure) == [("DELETE", GROUP)]
    assert azure.resources == {}
    assert "PGPASSWORD" not in (tmp_path / ".env").read_text()


def test_the_real_az_makes_an_elastic_cluster(azure, monkeypatch):
    status, text = azdeploy(
        *(monkeypatch, "create", "--yes", "--nodes", "2", "--ip", "none")
    )

    assert status == 0, text
    (made,) = azure.servers()
    assert made["properties"]["cluster"]["clusterSize"] == 2


def test_the_real_az_makes_a_replica_and_takes_it_away(azure, monkeypatch):
    name = ("--server-name", "psql-shop")
    servers = f"{GROUP}/providers/microsoft.dbforpostgresql/flexibleservers"
    replica = ("replica", "shop-read", "--yes", *IP, *name)

    created = azdeploy(
        *(monkeypatch, "create", "--yes", "--ip", "none"),
        *("--sku", "Standard_D2ds_v5", *name),
    )
    changes(azure)
    made = azdeploy(monkeypatch, *replica)
    put = changes(azure)
    again = azdeploy(monkeypatch, *replica)
    unchanged = changes(azure)
    source, copy = azure.servers()
    status = azdeploy(monkeypatch, "status", *name)
    azure.resources[f"{resource_manager.ROOT}/resourcegroups/{GROUP}"]["tags"] = {}
    cleaned = azdeploy(monkeypatch, "cleanup", *name, typed=f"{GROUP}\n")

    for code, text in (created, made, again, status, cleaned):
        assert code == 0, text
    assert put[0] == ("PUT", f"{servers}/shop-read")
    assert [path.rpartition("/")[0] for _, path in put[1:]] == [
        f"{servers}/shop-read/firewallrules"
    ]
    assert unchanged == []
    assert copy["sku"] == source["sku"]
    assert copy["tags"] == {"created-by": "vectorshop-azdeploy"}
    assert copy["properties"]["sourceServerResourceId"].lower() == source["id"].lower()
    assert copy["properties"]["replicationRole"] == "AsyncReplica"
    assert "Replica shop-read.postgres.database.azure.com is ready" in status[1]
    # The group is shared now, so both are deleted by themselves, the replica first.
    assert changes(azure) == [
        ("DELETE", f"{servers}/shop-read"),
        ("DELETE", f"{servers}/psql-shop"),
    ]


def test_the_real_az_gives_the_password_that_azure_wants(azure, monkeypatch):
    azure.wants_password = True

    status, text = azdeploy(monkeypatch, "create", "--yes", "--ip", "none")

    assert status == 0, text
    (made,) = azure.servers()
    assert made["properties"]["authConfig"]["passwordAuth"] == "Disabled"
    assert made["properties"]["administratorLogin"] == "vectorshop_unused"


def test_a_refusal_of_azure_is_shown_by_the_real_az(azure, monkeypatch):
    text = "The client has no authorization to perform action 'write'."
    azure.refusal = {"code": "AuthorizationFailed", "message": text}

    status, shown = azdeploy(monkeypatch, "create", "--yes", *IP)

    assert status == 1
    assert f"(AuthorizationFailed) {text}" in shown
    assert "Contributor" in shown
    assert azure.resources == {}


def test_a_size_that_the_region_lacks_is_refused_before_anything_is_made(
    azure, monkeypatch
):
    azure.registered = "Registered"

    status, text = azdeploy(
        *(monkeypatch, "create", "--yes", "--sku", "Standard_B99", *IP)
    )

    assert status == 1
    assert "does not offer Standard_B99" in text
    assert changes(azure) == []


def test_the_real_az_puts_the_shop_on_azure(azure, monkeypatch, tmp_path):
    name = ("--server-name", "psql-shop")

    created = azdeploy(monkeypatch, "create", "--yes", "--ip", "none", *name)
    made = azdeploy(monkeypatch, "app", "--yes", *name)
    changes(azure)
    again = azdeploy(monkeypatch, "app", "--yes", *name)
    unchanged = changes(azure)

    for code, text in (created, made, again):
        assert code == 0, text
    assert unchanged == []
    (app,) = container_apps.found(azure, resource_manager.ROOT, "containerapps")
    (job,) = container_apps.found(azure, resource_manager.ROOT, "jobs")
    (container,) = app["properties"]["template"]["containers"]
    (setup,) = job["properties"]["template"]["containers"]
    ((secret,),) = azure.secrets.values()
    assert {probe["httpGet"]["path"] for probe in container["probes"]} == {
        *("/health/live", "/health/ready")
    }
    assert {"name": "SECRET_KEY", "secretRef": "secret-key"} in container["env"]
    assert (secret["name"], len(secret["value"]) > 60) == ("secret-key", True)
    assert secret["value"] not in made[1]
    assert "--samples" in setup["command"]
    (identity,) = app["identity"]["userAssignedIdentities"]
    (registry,) = app["properties"]["configuration"]["registries"]
    assert identity.lower() == registry["identity"].lower()
    assert len(azure.builds) == 1 and len(azure.executions) == 1
    assert len(azure.grants) >= 2
    assert azure.uploaded
