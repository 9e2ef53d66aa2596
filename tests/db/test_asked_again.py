"""Which failures of a page on a standby are put to the primary."""

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import ResolverMatch
from psycopg import errors

from vectorshop import replica_middleware
from vectorshop.replicas import reading_from


def page(request, pk):
    return HttpResponse(f"product {pk} of the primary")


def failure(cause):
    error = OperationalError("gone")
    error.__cause__ = cause
    return error


@pytest.fixture
def answer(rf, monkeypatch):
    """What the middleware makes of an exception of a page that reads from a database."""
    monkeypatch.setattr(replica_middleware, "replica_aliases", lambda: ["replica1"])
    middleware = replica_middleware.ReplicaMiddleware(page)
    request = rf.get("/products/7/")
    request.resolver_match = ResolverMatch(page, (), {"pk": 7})

    def answer(exception, alias="replica1"):
        with reading_from(alias):
            return middleware.process_exception(request, exception)

    return answer


@pytest.mark.parametrize("cause", [errors.AdminShutdown, errors.SerializationFailure])
def test_the_primary_answers_where_a_standby_gave_up(answer, cause):
    response = answer(failure(cause()))

    assert response.content == b"product 7 of the primary"
    assert response.headers["X-Answered-By"] == "default"


@pytest.mark.parametrize(
    "exception",
    [
        failure(errors.QueryCanceled()),
        failure(errors.LockNotAvailable()),
        ValueError("a fault of the page"),
    ],
    ids=["too-slow", "locked", "fault"],
)
def test_what_would_fail_again_is_left_as_it_is(answer, exception):
    assert answer(exception) is None


def test_a_failure_of_the_primary_is_left_as_it_is(answer):
    assert answer(failure(errors.AdminShutdown()), "default") is None


@pytest.mark.parametrize(
    ("status", "noted"),
    [(200, True), (302, True), (400, False), (403, False), (404, False), (500, False)],
)
def test_only_what_may_have_written_gives_the_visitor_a_cookie(
    rf, monkeypatch, status, noted
):
    monkeypatch.setattr(replica_middleware, "replica_aliases", lambda: ["replica1"])
    monkeypatch.setattr(replica_middleware, "one_row", lambda alias, sql: [7])
    middleware = replica_middleware.ReplicaMiddleware(
        lambda request: HttpResponse(status=status)
    )

    response = middleware(rf.post("/nowhere"))

    assert ("written" in response.cookies) == noted
