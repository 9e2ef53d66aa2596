"""Whatever goes wrong where programs ask is answered by a problem document."""

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from django.test import Client
from ninja import Router, Schema

from products.api.openapi import DescribedAPI
from products.api.problems import Problem, answer_problems
from products.search import SearchError
from products.turns import BusyError

PROBLEM = "application/problem+json"
ABOUT = "products.api.products.product_of"


class Body(Schema):
    skus: list[int]


api = DescribedAPI(urls_namespace="tried", docs_url=None)
answer_problems(api)
router = Router()


@router.get("/asked")
def asked(request, limit: int):
    return limit


@router.post("/sent")
def sent(request, body: Body):
    return body.skus


api.add_router("", router)


@pytest.fixture
def tried(settings):
    """The addresses of an API with operations that only these tests need."""
    settings.ROOT_URLCONF = "tests.api.urls"
    return Client()


def test_a_wrong_parameter_is_named(tried):
    response = tried.get("/api/asked?limit=many")

    assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)
    [error] = response.json()["errors"]
    assert (error["parameter"], error["code"]) == ("limit", "int_parsing")
    assert response.json()["type"] == "urn:vectorshop:problem:invalid"


def test_a_wrong_value_of_a_body_has_a_pointer(tried):
    body = {"skus": [1, "many"]}

    response = tried.post("/api/sent", body, content_type="application/json")

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["pointer"], error["code"]) == ("#/skus/1", "int_parsing")


def test_a_body_that_is_no_json_is_a_problem(tried):
    response = tried.post("/api/sent", "{", content_type="application/json")

    assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)


@pytest.mark.parametrize("body", ["{", "[" * 100_000, b"\xff", "1" * 5000])
def test_broken_json_is_told_from_another_type(tried, body):
    broken = tried.post("/api/sent", body, content_type="application/json")
    other = tried.post("/api/sent", body, content_type="text/plain")
    form = tried.post("/api/sent", body, "application/x-www-form-urlencoded")

    assert (broken.status_code, broken.json()["detail"]) == (
        400,
        "The body is not JSON. /api/docs shows what to send.",
    )
    assert {other.status_code, form.status_code} == {415}
    assert "Content-Type: application/json" in form.json()["detail"]


def test_a_form_in_place_of_json_is_a_problem(tried):
    response = tried.post("/api/sent", {"skus": [1]})  # as multipart/form-data

    assert (response.status_code, response.headers["Content-Type"]) == (415, PROBLEM)


def test_a_body_that_is_too_long_is_a_problem(tried, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    response = tried.post("/api/sent", {"skus": [1] * 9}, "application/json")

    assert (response.status_code, response.headers["Content-Type"]) == (413, PROBLEM)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (Problem(418, "No tea."), 418, {}),
        (SearchError("No."), 400, {}),
        (Http404("No."), 404, {}),
        (RequestDataTooBig("No."), 413, {}),
        (BusyError(), 503, {"Retry-After": "5"}),
        (OperationalError("gone"), 503, {"Retry-After": "30"}),
        (ValueError("odd"), 500, {}),
    ],
)
def test_an_exception_is_a_problem(monkeypatch, error, status, headers):
    def fail(*args):
        raise error

    monkeypatch.setattr(ABOUT, fail)

    response = Client(raise_request_exception=False).get("/api/v1/products/lamp")

    assert (response.status_code, response.headers["Content-Type"]) == (status, PROBLEM)
    assert response.json()["status"] == status
    assert "odd" not in response.json()["detail"]
    assert headers.items() <= dict(response.headers).items()


@pytest.mark.parametrize(
    "address", ["/api/", "/api/v1/", "/api/v2/", "/api/v1/nothing", "/api/x/"]
)
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_an_unknown_address_is_a_problem(address, method):
    client = Client(enforce_csrf_checks=True)

    response = getattr(client, method)(address)

    assert (response.status_code, response.headers["Content-Type"]) == (404, PROBLEM)
    assert address in response.json()["detail"]


def test_a_method_that_is_not_taken_is_a_problem():
    response = Client().delete("/api/v1/search")

    assert (response.status_code, response.headers["Content-Type"]) == (405, PROBLEM)
    assert response.headers["Allow"] == "GET, HEAD, POST"
    assert response.json()["detail"] == (
        "This address takes GET, HEAD, POST, not DELETE."
    )


def test_a_request_that_cannot_be_read_is_a_problem():
    response = Client().get("/api/v1/products/lamp", headers={"host": "evil.example"})

    assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)
    assert response.json()["detail"] == "The request cannot be read."


def test_a_charset_that_is_not_read_is_a_problem():
    response = Client().post("/api/v1/search", "{}", "application/json; charset=cp037")

    assert response.status_code == 400
    assert "only UTF-8" in response.json()["detail"]


def test_problems_are_in_english(db):
    german = Client(headers={"accept-language": "de"})

    response = german.get("/api/v1/products/lamp")

    assert response.json()["detail"] == "There is no product with the sku 'lamp'."
    assert response.headers["Content-Language"] == "en"


@pytest.mark.parametrize(
    "address", ["/ucp/", "/ucp/catalog/nothing", "/mcp/", "/.well-known/ucp/"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_address_of_agents_is_a_problem(address, method):
    client = Client(enforce_csrf_checks=True)

    response = getattr(client, method)(address)

    assert (response.status_code, response.headers["Content-Type"]) == (404, PROBLEM)
    assert response.json()["detail"] == f"There is nothing at {address}."


def test_a_method_that_an_agent_must_not_use_is_a_problem():
    response = Client().get("/ucp/catalog/search")

    assert (response.status_code, response.headers["Content-Type"]) == (405, PROBLEM)
    assert response.headers["Allow"] == "POST"


def test_mcp_says_by_json_rpc_which_method_it_takes():
    response = Client().get("/mcp")

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json()["error"]["message"] == "Send messages by POST."


@pytest.mark.parametrize("address", ["/mcp", "/ucp/catalog/search", "/.well-known/ucp"])
def test_a_request_of_an_agent_that_cannot_be_read_is_a_problem(address):
    response = Client().get(address, headers={"host": "evil.example"})

    assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)


def test_people_get_pages():
    response = Client().get("/nothing/")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
