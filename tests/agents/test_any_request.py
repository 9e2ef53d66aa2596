"""Any JSON that an agent may send gets an answer, and never a failure of the shop."""

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.agents.schemas import AGENT, PROFILE

pytestmark = pytest.mark.django_db

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
PRICES = st.fixed_dictionaries(
    {}, optional={"min": st.integers(0, 2**53), "max": st.integers(0, 2**53)}
)
QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "query": st.text(max_size=20) | ANY,
        "id": st.text(max_size=20) | ANY,
        "ids": st.lists(st.text(max_size=20), max_size=3) | ANY,
        "filters": st.fixed_dictionaries(
            {},
            optional={"price": PRICES | ANY, "categories": st.lists(st.text()) | ANY},
        ),
        "context": st.fixed_dictionaries({}, optional={"currency": st.text() | ANY}),
        "pagination": st.fixed_dictionaries(
            {}, optional={"limit": st.integers() | ANY, "cursor": st.text() | ANY}
        ),
    },
)
OPERATIONS = {
    "search": "search_catalog",
    "lookup": "lookup_catalog",
    "product": "get_product",
}
TRIES = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def without_a_limit(monkeypatch):
    """Let all these requests come from one address."""
    monkeypatch.setattr("django.conf.settings.API_RATE_ADDRESS", 0)


def post(client, path, body):
    response = client.post(
        path, json.dumps(body), content_type="application/json", headers=AGENT
    )
    assert response.status_code < 500
    return response.json()


@TRIES
@given(operation=st.sampled_from(list(OPERATIONS)), body=QUESTIONS | ANY)
def test_any_question_is_answered_alike_at_both_doors(client, operation, body):
    rest = post(client, f"/ucp/catalog/{operation}", body)
    call = {
        "name": OPERATIONS[operation],
        "arguments": {"meta": {"ucp-agent": {"profile": PROFILE}}, "catalog": body},
    }
    mcp = post(
        client,
        "/mcp",
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
    )

    if "ucp" in rest:
        assert mcp["result"]["structuredContent"] == rest
    else:
        assert mcp["error"]["data"]["code"] == rest["code"]


@TRIES
@given(
    message=ANY
    | st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0") | ANY},
        optional={
            "id": st.integers() | ANY,
            "method": st.sampled_from(["initialize", "tools/list", "tools/call"]) | ANY,
            "params": ANY,
        },
    )
)
def test_any_message_is_answered(client, message):
    response = client.post("/mcp", json.dumps(message), content_type="application/json")

    assert response.status_code in (200, 202, 400)
    if response.content:
        assert ("error" in response.json()) != ("result" in response.json())
