"""Tokens from the real azure-identity, whose endpoint is a loopback stand-in."""

import base64
import copy
import json
import logging
import os
import pickle
import threading

import azure.identity
import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.stand_ins.entra import AUDIENCE, HOUR, OUT_OF_ORDER
from vectorshop.db.entra.parameters import scope_for
from vectorshop.db.entra.tokens import (
    CREDENTIALS,
    Identity,
    Secret,
    Token,
    TokenError,
    TokenProvider,
    get_provider,
    seconds_left,
)

pytest_plugins = ["tests.stand_ins.azure"]

SCOPE = f"{AUDIENCE}/.default"


def make_provider(credential="managed-identity", client_id=""):
    return TokenProvider(Identity(credential, client_id, SCOPE))


def text_of(token):
    return token.secret.reveal()


def together(number, work):
    """Run *work* in *number* threads and return its results and errors."""
    outcomes, start = [], threading.Barrier(number)

    def run():
        start.wait()
        try:
            outcomes.append(work())
        except TokenError as err:
            outcomes.append(err)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("credential", ["managed-identity", "auto"])
@pytest.mark.parametrize("protocol", ["app-service", "imds"])
def test_a_managed_identity_gives_a_token(identity, monkeypatch, protocol, credential):
    for name in identity.environment():
        monkeypatch.delenv(name)
    for name, value in identity.environment(protocol).items():
        monkeypatch.setenv(name, value)

    token = make_provider(credential).token()

    assert text_of(token) == identity.issued[-1]
    assert identity.requests[-1]["resource"] == AUDIENCE


@pytest.mark.parametrize("credential", ["managed-identity", "auto"])
def test_a_user_assigned_identity_is_asked_for_by_its_client_id(identity, credential):
    make_provider(credential, client_id="the-client").token()

    assert identity.requests[0]["client_id"] == "the-client"


def test_a_token_is_kept(identity):
    provider = make_provider()

    tokens = {id(provider.token()) for _ in range(5)}

    assert len(tokens) == len(identity.requests) == 1


def test_one_provider_serves_the_process(identity):
    one = get_provider(Identity("managed-identity", "", SCOPE))

    assert get_provider(Identity("managed-identity", "", SCOPE)) is one


def test_the_process_tells_when_its_first_token_ends(identity, clock):
    assert seconds_left() is None

    get_provider(Identity("managed-identity", "", SCOPE)).token()
    clock.advance(600)

    assert seconds_left() == pytest.approx(HOUR - 600, abs=5)


def test_a_token_is_replaced_five_minutes_before_it_expires(identity, clock):
    provider = make_provider()
    first = provider.token()

    clock.advance(HOUR - 302)
    assert provider.token() is first
    clock.advance(4)
    second = provider.token()

    assert text_of(second) == identity.issued[1]


def test_a_day_long_token_is_replaced_when_it_is_half_over(identity, clock):
    identity.lifetime = 24 * HOUR
    provider = make_provider()
    first = provider.token()

    clock.advance(12 * HOUR + 2)

    assert text_of(provider.token()) == identity.issued[1] != text_of(first)


def test_sixteen_threads_make_one_request(identity):
    provider = make_provider()

    tokens = together(16, provider.token)

    assert len(set(map(text_of, tokens))) == len(identity.requests) == 1


def test_sixteen_threads_ask_a_credential_once_that_keeps_nothing(monkeypatch):
    calls = []
    ask = Own.get_token

    def slowly(self, scope):
        calls.append(scope)
        threading.Event().wait(0.2)  # long enough for all to come in
        return ask(self, scope)

    monkeypatch.setattr(Own, "get_token", slowly)
    provider = make_provider(f"{__name__}.Own")

    together(16, provider.token)

    assert calls == [SCOPE]


def test_threads_go_on_with_a_good_token_while_one_replaces_it(identity, clock):
    provider = make_provider()
    first = provider.token()
    clock.advance(HOUR - 200)
    asked, answer = threading.Event(), threading.Event()
    identity.hold = lambda: (asked.set(), answer.wait(10))
    replacing = threading.Thread(target=provider.token)
    replacing.start()
    asked.wait(10)

    meanwhile = together(4, provider.token)
    answer.set()
    replacing.join()

    assert meanwhile == 4 * [first]
    assert text_of(provider.token()) == identity.issued[1]
    assert len(identity.requests) == 2


def test_a_failed_replacement_keeps_the_token_and_is_tried_again_later(
    identity, clock, caplog
):
    provider = make_provider()
    first = provider.token()
    clock.advance(HOUR - 200)
    identity.failure = OUT_OF_ORDER

    kept = [provider.token() for _ in range(3)]
    failures = len(identity.requests) - 1
    identity.failure = None
    clock.advance(31)

    assert [text_of(token) for token in kept] == 3 * [text_of(first)]
    assert failures == 1
    assert text_of(provider.token()) == identity.issued[1]
    assert "still works but cannot be replaced" in caplog.text


def test_an_expired_token_that_cannot_be_replaced_is_an_error(identity, clock):
    provider = make_provider()
    provider.token()
    clock.advance(HOUR - 9)
    identity.failure = OUT_OF_ORDER

    with pytest.raises(TokenError, match="(?s)out of order.*managed identity"):
        provider.token()


def test_threads_do_not_queue_up_to_ask_during_an_outage(identity):
    provider = make_provider()
    identity.failure = OUT_OF_ORDER
    asked = threading.Event()
    identity.hold = lambda: asked.wait(0.2)  # long enough for all to come in

    outcomes = together(8, provider.token)

    assert {type(outcome) for outcome in outcomes} == {TokenError}
    assert len(identity.requests) <= 2


def test_after_an_outage_the_next_call_asks_again(identity):
    provider = make_provider()
    identity.failure = OUT_OF_ORDER
    with pytest.raises(TokenError):
        provider.token()

    identity.failure = None

    assert text_of(provider.token()) == identity.issued[0]


def test_a_discarded_token_is_not_returned_again(identity):
    provider = make_provider()
    first = provider.token()

    provider.discard(first)
    second = provider.token()
    provider.discard(first)

    assert text_of(second) == identity.issued[1]
    assert provider.token() is second


def test_an_error_never_repeats_a_token(identity, issuer):
    token = issuer.issue(upn="somebody")
    identity.failure = 400, json.dumps({"statusCode": 400, "message": f"no {token}"})

    with pytest.raises(TokenError) as caught:
        make_provider().token()

    assert token not in str(caught.value)
    assert "(token)" in str(caught.value)


# Which credential


@pytest.mark.parametrize("name", CREDENTIALS)
def test_each_name_is_a_credential_of_azure_identity(name, identity, monkeypatch):
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
    monkeypatch.setenv("AZURE_CLIENT_ID", "client")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "/nowhere")

    credential = Identity(name, "client", SCOPE).make_credential()

    assert type(credential).__module__.startswith("azure.identity.")
    assert hasattr(azure.identity, type(credential).__name__)


@pytest.mark.parametrize(
    "name, advice",
    [
        ("workload-identity", "service account"),
        ("environment", "AZURE_CLIENT_SECRET"),
        ("cli", "az login"),
        ("azd", "azd auth login"),
    ],
)
def test_a_credential_that_is_not_set_up_says_how(name, advice, identity, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(TokenError, match=advice):
        make_provider(name).token()


class Own:
    """A credential as somebody could write their own."""

    def get_token(self, scope):
        payload = base64.urlsafe_b64encode(b'{"upn": "own@x"}').decode().rstrip("=")
        return azure.identity._credentials.default.AccessToken(f"e.{payload}.s", 2**33)


def test_a_dotted_path_is_ones_own_credential():
    token = make_provider(f"{__name__}.Own").token()

    assert token.user == "own@x"


def test_a_path_that_leads_nowhere_is_refused():
    with pytest.raises(ImproperlyConfigured, match="nowhere.Credential"):
        make_provider("nowhere.Credential").token()


def test_an_unknown_name_is_refused():
    with pytest.raises(ImproperlyConfigured, match="'managed'.*managed-identity"):
        Identity("managed", "", SCOPE)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for az is a shell script")
def test_az_is_started_once(identity, issuer, tmp_path, monkeypatch):
    answer = {"accessToken": issuer.issue(upn="me@x"), "expires_on": 2**33}
    az = tmp_path / "az"
    az.write_text(
        f"#!/bin/sh\necho \"$@\" >> {tmp_path}/calls\necho '{json.dumps(answer)}'\n"
    )
    az.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    provider = make_provider("cli")

    users = [provider.token().user for _ in range(3)]

    assert users == 3 * ["me@x"]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert "account get-access-token" in calls[0]
    assert AUDIENCE in calls[0]


@pytest.mark.parametrize(
    "host, scope",
    [
        ("x.postgres.database.azure.com", "https://ossrdbms-aad.database.windows.net"),
        ("10.0.0.4", "https://ossrdbms-aad.database.windows.net"),
        (
            "x.postgres.database.chinacloudapi.cn",
            "https://ossrdbms-aad.database.chinacloudapi.cn",
        ),
        (
            "X.postgres.database.USGovCloudApi.net.",
            "https://ossrdbms-aad.database.usgovcloudapi.net",
        ),
        (
            "x.postgres.database.sovcloud-api.fr",
            "https://ossrdbms-aad.database.sovcloud-api.fr",
        ),
    ],
)
def test_each_cloud_has_its_scope(host, scope):
    assert scope_for(host) == f"{scope}/.default"


# Whose token


@pytest.mark.parametrize(
    "claims, user",
    [
        ({"upn": "ada@contoso.com", "unique_name": "other"}, "ada@contoso.com"),
        ({"unique_name": "ada@contoso.com"}, "ada@contoso.com"),
        ({"preferred_username": "ada@contoso.com"}, "ada@contoso.com"),
        ({"app_displayname": "shop", "appid": "1"}, "shop"),
        ({"xms_mirid": "/subscriptions/1/userAssignedIdentities/shop"}, "shop"),
        ({"xms_mirid": "/subscriptions/1/Microsoft.Web/sites/my-app"}, "my-app"),
        ({"appid": "1"}, ""),
    ],
)
def test_the_user_is_read_from_the_token(claims, user):
    assert Token(Secret("x"), 0, 0, claims).user == user


@pytest.mark.parametrize("text", ["opaque", "a.b.c", "a.W10.c", "a.bnVsbA.c"])
def test_a_token_that_cannot_be_read_names_nobody(text, monkeypatch):
    token = azure.identity._credentials.default.AccessToken(text, 2**33)
    monkeypatch.setattr(Own, "get_token", lambda self, scope: token)

    assert make_provider(f"{__name__}.Own").token().user == ""


# The secret


def test_a_secret_is_shown_nowhere():
    secret = Secret("abcdef")
    token = Token(secret, 1, 2, {"upn": "ada@contoso.com"})
    record = logging.makeLogRecord({"msg": "%s %r", "args": (secret, token)})

    shown = f"{secret} {secret!r} {token} {token!r} {[secret]} {vars(token)}"
    shown += logging.Formatter().format(record)

    assert "abcdef" not in shown
    assert secret.reveal() == "abcdef"


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_copied(copying):
    with pytest.raises(TypeError):
        copying(Secret("abcdef"))
