"""The files of `azd up`: they can be read, fit together, and say what has to hold.

No Bicep compiler comes from a package registry, so names are compared here by hand.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from pycep import BicepParser

from vectorshop.azure import containers

ROOT = Path(settings.BASE_DIR)
INFRA = ROOT / "infra"
TEXTS = {file.stem: file.read_text() for file in INFRA.rglob("*.bicep")}
PARSED = {name: BicepParser().parse(text=text) for name, text in TEXTS.items()}
AZD = yaml.safe_load((ROOT / "azure.yaml").read_text())
PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]


def configuration(resource):
    """What is set of a resource or module, under its condition if it has one."""
    config = resource["config"]
    return config["config"] if "condition" in config else config


def resources():
    for parsed in PARSED.values():
        yield from parsed["resources"].values()


def only(kind):
    """What is set of the only resource of a kind."""
    (found,) = (each for each in resources() if each["type"] == kind)
    return configuration(found)


def container(kind):
    (one,) = only(kind)["properties"]["template"]["containers"]
    return one


def environment(kind):
    return {
        each["name"]: each.get("value") or f"secret {each['secretRef']}"
        for each in container(kind)["env"]
    }


def test_a_module_gets_what_it_declares():
    modules = PARSED["main"]["modules"]

    assert {f"{name}.bicep" for name in modules} == {
        file.name for file in (INFRA / "modules").iterdir()
    }
    for name, module in modules.items():
        assert module["detail"]["path"] == f"modules/{name}.bicep"
        declared = PARSED[name]["parameters"]
        assert set(configuration(module)["params"]) == set(declared), name


def test_what_is_used_of_a_module_is_among_its_outputs():
    used = re.findall(r"(\w+)!?\.outputs\.(\w+)", TEXTS["main"])

    assert len(used) > 20
    for module, output in used:
        assert output in PARSED[module]["outputs"], (module, output)


def test_azd_gives_the_parameters_that_there_are():
    declared = PARSED["main"]["parameters"]

    assert set(PARAMETERS) == set(declared)
    # What has no default is not left to a question.
    assert "AZURE_ENV_NAME" in PARAMETERS["environmentName"]["value"]
    assert "AZURE_LOCATION" in PARAMETERS["location"]["value"]


def test_api_versions_are_generally_available():
    versions = {each["type"]: each["api_version"] for each in resources()}

    assert len(versions) > 10
    assert [
        v for v in versions.values() if not re.fullmatch(r"\d{4}-\d\d-\d\d", v)
    ] == []
    assert versions["Microsoft.DBforPostgreSQL/flexibleServers"] == "2025-08-01"


def test_the_server_takes_tokens_and_no_password():
    server = only("Microsoft.DBforPostgreSQL/flexibleServers")["properties"]
    parameters = only("Microsoft.DBforPostgreSQL/flexibleServers/configurations")

    assert server["version"] == "17"
    assert server["authConfig"]["activeDirectoryAuth"] == "Enabled"
    assert server["authConfig"]["passwordAuth"] == "Disabled"
    assert not {name for name in server if "administrator" in name.lower()}
    assert (parameters["name"], parameters["properties"]["value"]) == (
        "azure.extensions",
        "VECTOR",
    )


def test_only_the_jobs_identity_administers_the_server():
    admin = only("Microsoft.DBforPostgreSQL/flexibleServers/administrators")
    given = configuration(PARSED["main"]["modules"]["database"])["params"]

    assert admin["name"] == "administratorId"
    assert "setupPrincipalId" in str(given["administratorId"])
    assert "identities.outputs.setupName" in TEXTS["main"]
    assert environment("Microsoft.App/jobs")["DB_USER"] == "identityName"


def test_only_the_job_migrates():
    job = only("Microsoft.App/jobs")["properties"]["configuration"]
    variables = PARSED["setup"]["variables"]

    assert variables["setUp"]["value"][:3] == ["python", "manage.py", "set_up_database"]
    assert environment("Microsoft.App/jobs")["DB_ASSUME_ROLE"] == "vectorshop_owner"
    assert job["manualTriggerConfig"]["parallelism"] == 1
    # The app runs what the image runs, which serves.
    assert "command" not in container("Microsoft.App/containerApps")
    assert "DB_ASSUME_ROLE" not in environment("Microsoft.App/containerApps")


def test_azdeploy_makes_the_same_containers():
    who = {"id": "ID", "name": "NAME", "principalId": "OID", "clientId": "CLIENT"}
    parts = containers.Containers(
        location="x",
        environment={"id": "ENV", "properties": {"defaultDomain": "example.org"}},
        registry={"loginServer": "r.azurecr.io"},
        image="i",
        database="db",
        setup=who,
        web=who,
        samples=True,
    )
    (job,) = parts.job()["properties"]["template"]["containers"]
    (app,) = parts.app("web")["properties"]["template"]["containers"]

    assert app["probes"] == container("Microsoft.App/containerApps")["probes"]
    for made, kind in (
        (job, "Microsoft.App/jobs"),
        (app, "Microsoft.App/containerApps"),
    ):
        assert {each["name"] for each in made["env"]} == set(environment(kind))
    assert job["command"][:3] == PARSED["setup"]["variables"]["setUp"]["value"][:3]
    assert (
        parts.job()["properties"]["configuration"]["replicaTimeout"]
        == only("Microsoft.App/jobs")["properties"]["configuration"]["replicaTimeout"]
    )


def test_the_app_is_probed_and_answers_by_https_alone():
    app = only("Microsoft.App/containerApps")["properties"]
    probes = {
        probe["type"]: (probe["httpGet"]["path"], probe["httpGet"]["port"])
        for probe in container("Microsoft.App/containerApps")["probes"]
    }

    assert probes == {
        "Startup": ("/health/live", 8000),
        "Liveness": ("/health/live", 8000),
        "Readiness": ("/health/ready", 8000),
    }
    assert app["configuration"]["ingress"]["allowInsecure"] is False
    settings = environment("Microsoft.App/containerApps")
    assert (settings["HTTPS"], settings["BEHIND_PROXY"]) == ("true", "true")
    assert "OPEN_CATALOG" not in settings and "DEBUG" not in settings


def test_no_secret_is_written_down():
    key = PARSED["main"]["parameters"]["secretKey"]
    known = environment("Microsoft.App/containerApps") | environment(
        "Microsoft.App/jobs"
    )

    assert key["decorators"][0] == {"type": "secure"} and key["default"] is None
    assert PARSED["vault"]["parameters"]["secretKey"]["decorators"] == [
        {"type": "secure"}
    ]
    # azd reads it back from the vault, so that it stays the same.
    assert PARAMETERS["secretKey"]["value"] == (
        "$(secretOrRandomPassword ${AZURE_KEY_VAULT_NAME} secret-key)"
    )
    assert only("Microsoft.KeyVault/vaults/secrets")["name"] == "secret-key"
    assert "AZURE_KEY_VAULT_NAME" in PARSED["main"]["outputs"]
    assert known["SECRET_KEY"] == "secret secret-key"
    assert not [name for name in known if "PASSWORD" in name]
    assert only("Microsoft.ContainerRegistry/registries")["properties"] == {
        "adminUserEnabled": False
    }
    assert not [name for parsed in PARSED.values() for name in parsed.get("outputs", {})
                if "secret" in name.lower() and not name.endswith("Url")]  # fmt: skip


def test_names_stay_the_same_from_one_deployment_to_the_next():
    texts = "".join(TEXTS.values())

    assert "uniqueString(subscription().id, environmentName, location)" in texts
    assert re.findall(r"newGuid|utcNow|deployment\(\)", texts) == []


def test_azds_services_are_the_job_and_the_app():
    services = AZD["services"]
    tagged = re.findall(r"'azd-service-name': '(\w+)'", "".join(TEXTS.values()))

    assert sorted(services) == sorted(tagged) == ["setup", "web"]
    for service in services.values():
        assert (service["host"], service["project"]) == ("containerapp", ".")
        assert (ROOT / service["docker"]["path"]).exists()
    # The app gets a new image once the job has brought the tables up to date.
    assert services["web"]["uses"] == ["setup"]
    for hook in services["setup"]["hooks"]["postdeploy"].values():
        used = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", (ROOT / hook["run"]).read_text()))
        assert used - {"LASTEXITCODE", "POLL_SECONDS", "AZURE_SUBSCRIPTION_ID"} <= set(
            PARSED["main"]["outputs"]
        )


@pytest.mark.parametrize(
    ("states", "status", "says"),
    [
        (["Running", "Succeeded"], 0, "The database is up to date."),
        (["Running", "Failed"], 1, "the job job, Execution history"),
    ],
)
def test_azd_waits_for_the_job(tmp_path, states, status, says):
    az = tmp_path / "az"
    (tmp_path / "states").write_text("\n".join(states) + "\n")
    az.write_text(
        f"#!/bin/sh\ncd {tmp_path}\necho \"$@\" >> calls\n"
        'case "$*" in *"job start"*) echo job-1 ;; *) head -n 1 states; '
        "sed -i 1d states ;; esac\n"
    )  # fmt: skip
    az.chmod(0o755)

    run = subprocess.run(
        ["sh", INFRA / "hooks" / "set_up.sh"],
        env=os.environ
        | {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SETUP_JOB_NAME": "job",
            "AZURE_RESOURCE_GROUP": "rg",
            "AZURE_SUBSCRIPTION_ID": "sub",
            "POLL_SECONDS": "0",
        },
        capture_output=True,
        text=True,
    )

    assert (run.returncode, says in run.stdout + run.stderr) == (status, True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1 + len(states)
    assert all("--name job --resource-group rg --subscription sub" in c for c in calls)
