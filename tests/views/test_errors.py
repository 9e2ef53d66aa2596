"""What a visitor sees when something is missing or broken."""

import os
import subprocess
import sys

import pytest
from django.db import OperationalError
from django.test import Client

from tests.serving import free_port

ASK_WITHOUT_DATABASE = """
import django
django.setup()
from django.test import Client
client = Client(raise_request_exception=False)
client.cookies["sessionid"] = "a" * 32
agent = {"UCP-Agent": 'profile="https://agent.example/profile.json"'}
meta = {"ucp-agent": {"profile": "https://agent.example/profile.json"}}
asked = {"ids": ["lamp"]}
call = {"name": "lookup_catalog", "arguments": {"meta": meta, "catalog": asked}}
message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}

def post(path, body):
    return client.post(path, body, content_type="application/json", headers=agent)

pages = [
    client.get(path)
    for path in ("/", "/similar/?q=lamp", "/products/1/", "/admin/")
]
problems = [
    client.get("/api/v1/facets"),
    post("/ucp/catalog/lookup", asked),
    post("/mcp", message),
]
for response in pages + problems:
    print(response.status_code, response.headers["Retry-After"])
    assert "cannot be reached" in response.content.decode()
    assert "Content-Security-Policy" in response.headers
for response in problems:
    assert response.headers["Content-Type"] == "application/problem+json"
"""


def test_without_a_database_pages_say_to_come_back():
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
        "ALLOWED_HOSTS": "testserver",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(free_port()),
        "DB_PASSWORD": "none",
    }

    done = subprocess.run(
        [sys.executable, "-c", ASK_WITHOUT_DATABASE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == 7 * ["503 30"]
    assert "Connection refused" in done.stderr  # it is logged


@pytest.mark.parametrize(
    ("error", "status"), [(OperationalError("gone"), 503), (ValueError("odd"), 500)]
)
def test_a_failure_gets_its_page(monkeypatch, error, status):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr("products.views.catalogue.search", fail)

    response = Client(raise_request_exception=False).get("/")

    assert response.status_code == status
    assert ("Retry-After" in response.headers) == (status == 503)
    page = response.content.decode()
    assert "VectorShop" in page
    assert ('href="">Try again<' in page) == (status == 503)
    assert ("Back to the products" in page) == (status == 500)


def test_a_form_without_its_token_gets_a_page_in_the_same_dress(db):
    response = Client(enforce_csrf_checks=True).post("/samples/load/")

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("get", "/judge/", "only takes what a form sends"),
        ("get", "/samples/load/", "only takes what a form sends"),
        ("get", "/products/add/prepared/", "only takes what a form sends"),
        ("put", "/products/add/", "only takes what a form sends"),
        ("post", "/", "can only be looked at"),
        ("delete", "/map/", "can only be looked at"),
    ],
)
def test_a_method_that_is_not_taken_gets_a_page_in_the_same_dress(method, path, says):
    response = getattr(Client(), method)(path)

    page = response.content.decode()
    assert response.status_code == 405
    assert "Allow" in response.headers
    assert says in page
    assert '<a class="button" href="/">Back to the products</a>' in page


def test_a_host_that_is_not_served_gets_a_page_in_the_same_dress():
    response = Client().get("/", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert "could not read that request" in response.content.decode()
