"""Who may do what by the API: keys, their scopes, sessions, and secrecy."""

import logging
import sys

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter
from ninja import Router

from products.api.access import key_if_any, key_of, key_to_write, require
from products.api.openapi import DescribedAPI
from products.api.problems import Problem, answer_problems
from products.api_keys import ApiKey, ApiKeyQuerySet, Scope
from tests.factory import make_product
from vectorshop import replicas

pytestmark = pytest.mark.django_db

READ = "/api/v1/products/lamp"

tried = DescribedAPI(urls_namespace="access", docs_url=None, auth=key_if_any)
answer_problems(tried)
router = Router()


@router.post("/write", auth=key_to_write)
def write(request):
    """Who writes."""
    return request.user.username


tried.add_router("", router)


@pytest.fixture
def clerk(django_user_model):
    return django_user_model.objects.create(username="clerk")


@pytest.fixture
def key_with(clerk):
    """A function that makes a key with some scopes."""

    def key_with(*scopes):
        return ApiKey.objects.make(name="till", user=clerk, scopes=scopes)

    return key_with


@pytest.fixture
def lamp():
    return make_product(sku="lamp")


def send(key, method="get", address=READ, client=None):
    headers = {"Authorization": f"Bearer {key}"}
    return getattr(client or Client(), method)(address, headers=headers)


[WRITE] = [url.callback for url in tried.urls[0] if str(url.pattern) == "write"]


def ask_to_write(rf, key):
    """The answer of an operation that needs the scope `write`."""
    return WRITE(request_to_write(rf, key))


def request_to_write(rf, key):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = rf.post("/write", headers=headers)
    request.user = AnonymousUser()
    return request


# Keys


def test_reading_needs_no_key(client, lamp):
    assert client.get(READ).status_code == 200


@pytest.mark.parametrize("scope", Scope)
def test_every_key_may_read(key_with, lamp, scope):
    assert send(key_with(scope).key).status_code == 200


def test_the_owner_of_a_key_makes_the_request(rf, key_with):
    answer = ask_to_write(rf, key_with("write").key)

    assert (answer.status_code, answer.content) == (200, b'"clerk"')


def test_writing_without_a_key_is_unauthorized(rf):
    answer = ask_to_write(rf, "")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="VectorShop"'
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_key_without_the_scope_is_forbidden(rf, key_with):
    answer = ask_to_write(rf, key_with("read", "explain").key)

    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="VectorShop", error="insufficient_scope", scope="write"'
    )
    assert b"no scope write" in answer.content


@pytest.mark.parametrize("key", ["", "x", "vs_" + 43 * "x", "vs_" + 44 * "x", "ü"])
def test_an_unknown_key_is_unauthorized_for_reading_too(lamp, key):
    answer = send(key)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="VectorShop", error="invalid_token"'
    )
    assert answer.json()["detail"] == "There is no such API key."


def test_what_cannot_be_a_key_asks_no_database(rf, django_assert_num_queries):
    request = rf.get("/", headers={"Authorization": "Bearer x"})

    with django_assert_num_queries(0), pytest.raises(Problem):
        key_of(request)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revoked_at": timezone.now()}, "revoked"),
        ({"expires_at": timezone.now()}, "expired on"),
    ],
)
def test_a_key_that_works_no_more_is_unauthorized(key_with, lamp, changes, reason):
    made = key_with("read")
    ApiKey.objects.update(**changes)

    answer = send(made.key)

    assert answer.status_code == 401
    assert reason in answer.json()["detail"]


def test_a_key_of_an_inactive_owner_is_unauthorized(key_with, clerk, lamp):
    made = key_with("read")
    clerk.is_active = False
    clerk.save()

    assert send(made.key).status_code == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "Token x", "vs_x"])
def test_what_is_sent_for_a_proxy_is_no_key(client, lamp, header):
    assert client.get(READ, headers={"Authorization": header}).status_code == 200


def test_the_scheme_may_be_in_small_letters(rf, key_with):
    header = {"Authorization": f"bearer  {key_with('read').key} "}

    assert key_of(rf.get("/", headers=header)).name == "till"


# Sessions


def test_a_session_writes_nothing(rf, admin_user):
    request = request_to_write(rf, "")
    request.user = admin_user

    assert WRITE(request).status_code == 401


def refusal(rf, method, user, scope, key=None):
    """The status of what keeps a user, or a key, from a scope; None where nothing does."""
    request = getattr(rf, method)("/api/v1/search")
    request.user, request.auth = user, key or "everybody"
    try:
        require(request, scope)
    except Problem as err:
        return err.status
    return None


def test_a_stranger_needs_a_key(rf):
    assert refusal(rf, "get", AnonymousUser(), Scope.EXPLAIN) == 401
    assert refusal(rf, "get", AnonymousUser(), Scope.WRITE) == 401


def test_a_user_needs_the_permission_to_have_something_explained(rf, clerk):
    assert refusal(rf, "get", clerk, Scope.EXPLAIN) == 403

    clerk.user_permissions.set(Permission.objects.filter(codename="view_product"))
    clerk = type(clerk).objects.get()  # permissions are remembered

    assert refusal(rf, "get", clerk, Scope.EXPLAIN) is None
    assert refusal(rf, "post", clerk, Scope.EXPLAIN) == 401


def test_a_key_needs_the_scope_to_have_something_explained(rf, key_with, clerk):
    assert refusal(rf, "post", clerk, Scope.EXPLAIN, key_with("explain")) is None
    assert refusal(rf, "get", clerk, Scope.EXPLAIN, key_with("read", "write")) == 403


def test_the_session_of_an_administrator_does_not_write(rf, admin_user):
    assert refusal(rf, "get", admin_user, Scope.WRITE) == 401
    assert refusal(rf, "put", admin_user, Scope.WRITE) == 401


# When a key was used


def test_the_use_of_a_key_is_noted(key_with, lamp):
    made = key_with("read")

    send(made.key)

    assert ApiKey.objects.get().last_used_at is not None


def test_one_statement_more_finds_the_key(key_with, lamp, django_assert_num_queries):
    made = key_with("read")
    send(made.key)

    with django_assert_num_queries(2):
        send(made.key)


@pytest.fixture
def primary_away(monkeypatch):
    def fail(key):
        raise OperationalError("gone")

    monkeypatch.setattr(ApiKey, "note_use", fail)


def test_reading_goes_on_where_the_use_cannot_be_noted(
    key_with, lamp, primary_away, caplog
):
    made = key_with("read")

    assert send(made.key).status_code == 200
    assert f"The use of the API key {made.prefix} is not noted" in caplog.text
    assert made.key not in caplog.text


def test_a_write_fails_where_the_use_cannot_be_noted(rf, key_with, primary_away):
    with pytest.raises(OperationalError):
        ask_to_write(rf, key_with("write").key)


def test_the_use_is_noted_at_the_primary_by_a_request_of_a_standby(
    rf, key_with, settings, monkeypatch
):
    settings.DATABASE_ROUTERS = ["vectorshop.replicas.Router"]
    made = key_with("read")
    used = []
    monkeypatch.setattr(
        ApiKeyQuerySet, "update", lambda keys, **values: used.append(keys.db)
    )

    with replicas.reading_from("standby"):
        made.note_use()

    assert used == ["default"]


# Secrecy


def all_of(error):
    """What a report of an exception could find: every local name of its frames."""
    names, traceback = [], error.__traceback__
    while traceback:
        names.append(repr(traceback.tb_frame.f_locals))
        traceback = traceback.tb_next
    return "".join(names)


@pytest.fixture
def failing(rf, key_with, monkeypatch):
    """A key, and what sys.exc_info() says after the search for it has failed."""

    def fail(keys, digest):
        raise OperationalError("gone")

    monkeypatch.setattr(ApiKeyQuerySet, "with_hash", fail)
    made = key_with("write")
    request = request_to_write(rf, made.key)
    try:
        WRITE(request)
    except OperationalError:
        return made.key, sys.exc_info()
    raise AssertionError("it did not fail")


def test_no_frame_of_a_failure_has_the_key(failing):
    key, exc_info = failing

    assert key[11:] not in all_of(exc_info[1])


# The shop sends no e-mail; whoever has Django send its errors configures MAILERS.
@pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")
@pytest.mark.filterwarnings("ignore:Using .name, address. pairs in the ADMINS setting")
def test_no_error_page_or_e_mail_has_the_key(failing, rf, settings, mailoutbox):
    key, exc_info = failing
    settings.ADMINS = [("Ada", "ada@contoso.com")]
    request = rf.get(READ, headers={"Authorization": f"Bearer {key}"})
    reporter = ExceptionReporter(request, *exc_info)
    record = logging.LogRecord(
        "django.request", logging.ERROR, "", 0, "x", (), exc_info
    )
    record.request = request

    AdminEmailHandler(include_html=True).emit(record)

    [mail] = mailoutbox
    shown = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert key[11:] not in shown + mail.alternatives[0][0] + mail.body


@pytest.mark.parametrize("scheme", ["Bearer", "Token"])
def test_no_log_has_the_key(key_with, lamp, caplog, settings, scheme):
    settings.DEBUG = True  # in which ninja writes headers into the log
    caplog.set_level(logging.DEBUG)
    made = key_with("read")
    headers = {"Authorization": f"{scheme} {made.key}"}

    Client().get(READ, headers=headers)
    Client().get(READ + "x", headers=headers)

    records = "".join(str(vars(record)) for record in caplog.records)
    assert made.key[11:] not in records
    assert "lampx" in records


def test_the_answer_does_not_show_the_key(key_with):
    made = key_with("read")

    answer = send(made.key, address="/api/v1/products/nothing")

    assert made.key[11:] not in str(answer.headers) + answer.content.decode()


# The document


def test_the_document_says_which_operations_need_a_key():
    document = tried.get_openapi_schema(path_prefix="/")

    assert document["paths"]["/write"]["post"]["security"] == [{"KeyAuth": []}]
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"KeyAuth"}
    assert (schemes["KeyAuth"]["type"], schemes["KeyAuth"]["scheme"]) == (
        "http",
        "bearer",
    )


def test_the_document_says_that_reading_needs_no_key():
    from products.api.v1 import api

    document = api.get_openapi_schema()
    get = document["paths"]["/api/v1/products/{sku}"]["get"]

    assert get["security"] == [{}, {"KeyAuth": []}]
    assert "KeyIfAny" not in document["components"]["securitySchemes"]
