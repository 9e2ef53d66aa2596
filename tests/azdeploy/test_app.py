"""The shop on Container Apps: made once, brought up to date, and deleted."""

import json

import pytest

from tests.azdeploy.test_create import SERVER
from tests.stand_ins import az
from vectorshop.azure import image, job

TAG = SERVER.removeprefix("psql-vector-")
OURS = {"tags": {"created-by": "vectorshop-azdeploy"}}
GROUP = "rg-exercises"
PLACE = f"--resource-group {GROUP}"
TAGS = "--tags created-by=vectorshop-azdeploy"
REGISTRY = f"vectorshop{TAG}"
JOB, APP = f"job-setup-{TAG}", f"ca-web-{TAG}"


@pytest.fixture(autouse=True)
def made(azure, project, monkeypatch):
    """Let azdeploy's group and server exist, and a project to build."""
    azure.change(groups={GROUP: OURS}, servers={SERVER: az.server(SERVER)})
    (project / "Dockerfile").write_text("FROM scratch\n")
    (project / ".dockerignore").write_text("# all\n*\n!manage.py\n!shop\n")
    (project / "manage.py").write_text("print('shop')\n")
    (project / "shop").mkdir()
    (project / "shop" / "a.py").write_text("a = 1\n")
    monkeypatch.setattr(job, "POLL_SECONDS", 0)


def deploy(azure, *options):
    return azure.run("app", "--yes", *options)


def starts(run):
    """The changes of a run without their values."""
    return [change.partition(" --")[0] for change in run.changes]


def test_a_first_run_makes_what_is_missing_and_a_second_nothing(azure, project):
    first, second = deploy(azure), deploy(azure)

    assert (first.status, second.status) == (0, 0), first.text
    assert starts(first) == [
        "identity create",
        "identity create",
        "acr create",
        "role assignment create",
        "role assignment create",
        "monitor log-analytics workspace create",
        "containerapp env create",
        "postgres flexible-server microsoft-entra-admin create",
        "postgres flexible-server firewall-rule create",
        "acr build",
        "containerapp job create",
        "containerapp job start",
        "containerapp create",
        "containerapp update",
    ]
    assert (
        f"acr create --name {REGISTRY} {PLACE} --location eastus2 --sku Basic "
        in (first.changes[2])
    )
    assert f"--display-name id-setup-{TAG} " in first.changes[7]
    assert "--type ServicePrincipal" in first.changes[7]
    assert "--start-ip-address 0.0.0.0 --end-ip-address 0.0.0.0" in first.changes[8]
    assert first.changes[9].endswith(str(project))
    assert f"https://{APP}.lab.azurecontainerapps.io/" in first.text
    assert second.changes == []


def test_the_secret_key_reaches_azure_alone_and_stays(azure, project):
    run = deploy(azure)
    (key,) = azure.state["secrets"]
    (project / "manage.py").write_text("print('new')\n")
    deploy(azure)

    value = key.removeprefix("secret-key=")
    assert len(value) > 60
    assert azure.state["secrets"] == [key]
    written = [path.read_text() for path in project.rglob("*") if path.is_file()]
    assert value not in "".join([run.text, json.dumps(run.calls), *written])
    create = next(c for c in run.changes if c.startswith("containerapp create"))
    assert (
        "--secrets secret-key=@- --env-vars SECRET_KEY=secretref:secret-key" in create
    )


def test_the_app_and_the_job_get_what_they_need(azure, project):
    deploy(azure)

    web = json.loads((project / ".data/azure/app.yaml").read_text())["properties"]
    once = json.loads((project / ".data/azure/job.yaml").read_text())
    (container,) = web["template"]["containers"]
    (setup,) = once["properties"]["template"]["containers"]
    label = image.label(project)
    assert container["image"] == setup["image"]
    assert setup["image"] == f"{REGISTRY}.azurecr.io/vectorshop:{label}"
    assert setup["command"] == [
        *("python", "manage.py", "set_up_database", "--role", f"id-web-{TAG}"),
        *("--object-id", f"20000000{az.OBJECT_ID[8:]}", "--samples"),
    ]
    assert {"name": "DB_ASSUME_ROLE", "value": "vectorshop_owner"} in setup["env"]
    assert {"name": "DB_USER", "value": f"id-setup-{TAG}"} in setup["env"]
    assert {"name": "DB_USER", "value": f"id-web-{TAG}"} in container["env"]
    host = f"{APP}.lab.azurecontainerapps.io"
    assert {"name": "ALLOWED_HOSTS", "value": host} in container["env"]
    assert [probe["httpGet"]["path"] for probe in container["probes"]] == [
        *("/health/live", "/health/live", "/health/ready")
    ]


def test_an_empty_catalogue_may_stay_empty(azure, project):
    deploy(azure, "--no-samples")

    assert "--samples" not in (project / ".data/azure/job.yaml").read_text()


def test_a_changed_project_is_built_and_set_up_before_it_serves(azure, project):
    deploy(azure)
    (project / "shop" / "a.py").write_text("a = 2\n")

    run = deploy(azure)

    assert starts(run) == [
        *("acr build", "containerapp job update", "containerapp job start"),
        "containerapp update",
    ]


def test_the_label_follows_from_what_the_image_has(project):
    before = image.label(project)
    (project / "notes.txt").write_text("not in the image\n")
    (project / "shop" / "__pycache__").mkdir()
    (project / "shop" / "__pycache__" / "a.pyc").write_text("x")
    same = image.label(project)
    (project / "Dockerfile").write_text("FROM other\n")

    assert before == same
    assert image.label(project) != before


def test_a_job_that_fails_leaves_the_app_as_it_is(azure, project):
    deploy(azure)
    old = azure.state["parts"]["containerapp"][APP]
    (project / "manage.py").write_text("print('new')\n")
    azure.change(job_ends="Failed")

    failed = deploy(azure)

    assert failed.status == 1
    assert "did not succeed (Failed), so the app was left as it is" in failed.text
    assert azure.state["parts"]["containerapp"][APP] == old
    assert "The job did not succeed" in azure.run("status").text

    azure.change(job_ends="Succeeded")
    again = deploy(azure)

    # The image is there already.
    assert starts(again) == ["containerapp job start", "containerapp update"]


def test_a_run_that_ended_before_the_job_began_is_made_up_for(azure, project):
    deploy(azure)
    (project / "manage.py").write_text("print('new')\n")
    azure.fail("containerapp job start", "ERROR: interrupted")
    deploy(azure)
    azure.heal()

    again = deploy(azure)

    # The job has the new image, but what succeeded was the old one.
    assert starts(again) == ["containerapp job start", "containerapp update"]


def test_without_a_server_nothing_is_made(azure):
    azure.change(servers={})

    run = deploy(azure)

    assert (run.status, run.changes) == (1, [])
    assert "create" in run.text


def test_it_asks_before_it_costs(azure):
    run = azure.run("app", typed="n\n")

    assert (run.status, run.changes) == (1, [])
    assert "5 US dollars a month" in run.text


def test_a_dry_run_shows_the_commands_and_writes_nothing(azure, project):
    run = deploy(azure, "--dry-run")

    assert (run.status, run.changes) == (0, [])
    assert f"$ az containerapp env create --name cae-vectorshop-{TAG}" in run.text
    assert "--logs-workspace-id YOUR_WORKSPACE_ID" in run.text
    assert not (project / ".data").exists()


def test_a_refused_right_is_not_passed_over(azure):
    azure.fail("role assignment create", "ERROR: (AuthorizationFailed) No.")

    run = deploy(azure)

    assert run.status == 1
    assert "User Access Administrator" in run.text
    assert starts(run)[-1] == "role assignment create"


def test_the_status_shows_app_and_job(azure):
    assert "No app on Azure yet" in azure.run("status").text
    deploy(azure)

    text = azure.run("status").text

    assert f"App https://{APP}.lab.azurecontainerapps.io/ ({REGISTRY}" in text
    assert "The job has brought the database up to date" in text


def test_cleanup_deletes_the_app_with_the_group(azure):
    deploy(azure)

    run = azure.run("cleanup", "--yes", "--resource-group", GROUP)

    assert run.changes == [f"group delete --name {GROUP} --yes"]
    for name in (APP, JOB, REGISTRY, f"id-setup-{TAG}"):
        assert f"This deletes {name}." in run.text


def test_in_a_shared_group_only_the_apps_parts_and_the_server_go(azure):
    deploy(azure)
    parts = azure.state["parts"]
    parts["identity"]["other"] = {"name": "other", "tags": {}}
    azure.change(groups={GROUP: {"tags": {}}}, parts=parts)

    run = azure.run("cleanup", "--yes", "--resource-group", GROUP)

    assert [change.split()[:3] for change in run.changes] == [
        ["containerapp", "delete", "--name"],
        ["containerapp", "job", "delete"],
        ["containerapp", "env", "delete"],
        ["monitor", "log-analytics", "workspace"],
        ["acr", "delete", "--name"],
        ["identity", "delete", "--name"],
        ["identity", "delete", "--name"],
        ["postgres", "flexible-server", "delete"],
    ]
    assert list(azure.state["parts"]["identity"]) == ["other"]
    assert "other (Microsoft.ManagedIdentity" in run.text


def test_a_part_that_somebody_else_made_stays(azure):
    deploy(azure)
    parts = azure.state["parts"]
    parts["acr"][REGISTRY]["tags"] = {"owner": "me"}
    azure.change(parts=parts)

    run = azure.run("cleanup", "--yes", "--resource-group", GROUP)

    assert f"Also in group {GROUP}, so the group stays:" in run.text
    assert list(azure.state["parts"]["acr"]) == [REGISTRY]
