"""docs/openapi.json describes the API as it is, and every example in it works."""

import hashlib
import json
import subprocess

import pytest
from django.conf import settings
from django.urls import set_script_prefix

from products.api import views
from products.api.openapi import calls
from products.api.v1 import api
from products.api_keys import ApiKey, Scope

DOCUMENT = settings.BASE_DIR / "docs" / "openapi.json"
CHANGELOG = settings.BASE_DIR / "CHANGELOG.md"
WRITTEN = json.loads(DOCUMENT.read_text(encoding="utf-8"))
CALLS = list(calls(WRITTEN))


def test_the_document_is_of_the_api_as_it_is():
    now = json.loads(json.dumps(api.get_openapi_schema()))

    assert now == WRITTEN, "Run make openapi, and say in CHANGELOG.md what changed."


def test_a_change_of_the_document_has_a_line_in_the_changelog():
    digest = hashlib.sha256(json.dumps(WRITTEN).encode()).hexdigest()[:8]

    assert f"`{digest}`" in CHANGELOG.read_text(encoding="utf-8"), (
        f"docs/openapi.json has changed. Say in CHANGELOG.md what, and that it is {digest}."
    )


def test_the_document_is_made_once(client, monkeypatch):
    first = client.get("/api/v1/openapi.json")
    monkeypatch.setattr(api, "get_openapi_schema", None)
    again = client.get("/api/v1/openapi.json")
    same = client.get(
        "/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert first.json() == again.json() == WRITTEN
    assert first.headers["Cache-Control"] == "no-cache"
    assert (same.status_code, same.content) == (304, b"")


def test_the_document_has_the_addresses_below_each_prefix(client, rf):
    first = client.get("/api/v1/openapi.json").json()
    set_script_prefix("/shop/")
    try:
        below = views.document(rf.get("/")).content
    finally:
        set_script_prefix("/")

    assert "/api/v1/search" in first["paths"]
    assert "/shop/api/v1/search" in json.loads(below)["paths"]


def test_operations_have_names_of_their_own():
    names = [call.operation["operationId"] for call in CALLS]

    assert "similar_products" in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_operation_says_what_goes_wrong(call):
    problems = {
        status: answer["content"]
        for status, answer in call.operation["responses"].items()
        if status >= "400"
    }

    assert problems
    assert {kind for each in problems.values() for kind in each} == {
        "application/problem+json"
    }


@pytest.mark.django_db(transaction=True)
def test_the_example_of_every_operation_works(
    live_server, real_model, samples, django_user_model
):
    user = django_user_model.objects.create(username="ada")
    key = ApiKey.objects.make(name="examples", user=user, scopes=Scope.values).key
    answers = {call.curl: curl(call.curl, live_server.url, key) for call in CALLS}

    assert len(answers) == len(CALLS) >= 7
    assert all(call.curl in call.operation["description"] for call in CALLS)
    for command, answer in answers.items():
        assert "urn:vectorshop" not in json.dumps(answer), command
        assert answer.get("status") is None, command
        assert answer.get("hits", True), command


def curl(command, address, key):
    """The JSON that a command of a shell prints for the shop at an address, if any."""
    done = subprocess.run(
        ["bash", "-c", f"{command} --silent --show-error"],
        env={"SHOP": address, "KEY": key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "{}")
