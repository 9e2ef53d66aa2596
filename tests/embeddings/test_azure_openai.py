"""Embedding by Azure OpenAI: the real client against a server on loopback."""

import numpy as np
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from django.core.exceptions import ImproperlyConfigured

from products.embeddings import EmbeddingError, get_backend
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from tests.stand_ins.embedding_service import (
    answer,
    answer_with,
    embedding_service,
    hang_up,
    refuse,
    say_nothing,
)

PATH = "/openai/deployments/shop-embeddings/embeddings"
TEXTS = ["red shoe", "blue hat", "green coat"]


@pytest.fixture
def service():
    with embedding_service(PATH) as server:
        yield server


@pytest.fixture
def backend(service, settings):
    """The backend of a process that is set up to use the service, with an API key."""
    settings.EMBEDDING_BACKEND = "products.embeddings.azure_openai.EmbeddingBackend"
    settings.AZURE_OPENAI_ENDPOINT = f"http://127.0.0.1:{service.server_port}"
    settings.AZURE_OPENAI_DEPLOYMENT = "shop-embeddings"
    settings.AZURE_OPENAI_API_KEY = "the-key"
    backend = get_backend()
    yield backend
    backend.client().close()


class Credential:
    """A credential of azure-identity's kind."""

    error = None
    asked = 0

    def __init__(self, **options):
        pass

    def get_token(self, *scopes, **options):
        type(self).asked += 1
        if self.error:
            raise self.error
        assert scopes == ("https://cognitiveservices.azure.com/.default",)
        return AccessToken("the-token", 2**33)

    def get_token_info(self, *scopes, **options):
        return AccessTokenInfo(self.get_token(*scopes).token, 2**33)


@pytest.fixture
def credential(backend, monkeypatch, settings):
    settings.AZURE_OPENAI_API_KEY = ""
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", Credential)
    monkeypatch.setattr(Credential, "asked", 0)
    return Credential


def failure(backend, texts=TEXTS):
    """The error that embedding gives."""
    with pytest.raises(EmbeddingError) as caught:
        backend.embed(texts)
    return caught.value


# Answers


def test_texts_get_their_own_vectors_in_their_order(backend):
    vectors = backend.embed(TEXTS)

    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(vectors, Deterministic().embed(TEXTS), atol=1e-6)


def test_request_is_what_the_service_documents(backend, service):
    backend.embed(TEXTS)

    [(path, query, headers, body)] = service.requests
    assert path == PATH
    assert query == {"api-version": ["2024-10-21"]}
    assert headers["api-key"] == "the-key"
    assert headers["Authorization"] is None
    assert body["input"] == TEXTS
    assert body["dimensions"] == 384
    assert body["encoding_format"] == "base64"


def test_fingerprint_names_model_and_dimensions(backend):
    assert backend.fingerprint.startswith("text-embedding-3-small/384/")


def test_entra_token_is_sent_and_asked_for_once(service, credential, backend):
    backend.embed(TEXTS)
    backend.embed(TEXTS)

    for _, _, headers, _ in service.requests:
        assert headers["Authorization"] == "Bearer the-token"
        assert headers["api-key"] is None
    assert credential.asked == 1


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (ClientAuthenticationError("Nobody is signed in."), True),
        (ServiceRequestError("The identity service is away."), False),
    ],
)
def test_missing_token_says_how_to_sign_in(
    service, credential, backend, monkeypatch, error, permanent
):
    monkeypatch.setattr(credential, "error", error)

    err = failure(backend)

    assert "az login" in str(err)
    assert "Cognitive Services OpenAI User" in str(err)
    assert err.permanent is permanent
    assert service.requests == []


# Retries


def test_batch_waits_as_long_as_the_service_asks(backend, service, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    service.replies = [
        refuse(429, "TooManyRequests", ("Retry-After", "7")),
        refuse(503, "Unavailable"),
        hang_up,
    ]

    assert backend.embed(TEXTS).shape == (3, 384)

    assert len(service.requests) == 4
    assert pauses[0] == 7
    assert 0 < pauses[1] < pauses[2] < 8


def test_single_text_is_asked_once_since_somebody_waits(backend, service):
    service.replies = [refuse(429, "TooManyRequests", ("Retry-After", "60"))]

    err = failure(backend, ["red shoe"])

    assert "quota" in str(err)
    assert err.permanent is False
    assert len(service.requests) == 1


def test_service_that_stays_silent_is_given_up(backend, service, monkeypatch):
    monkeypatch.setattr(backend, "text_seconds", 0.1)
    service.replies = [say_nothing]

    err = failure(backend, ["red shoe"])

    assert "does not answer" in str(err)
    assert err.permanent is False


def test_unreachable_service_is_a_fault_that_may_pass(backend, service):
    service.shutdown()
    service.server_close()

    err = failure(backend, ["red shoe"])

    assert "AZURE_OPENAI_ENDPOINT" in str(err)
    assert err.permanent is False


@pytest.mark.parametrize(
    ("status", "permanent", "advice"),
    [
        (401, True, "Cognitive Services OpenAI User"),
        (403, True, "let this network in"),
        (404, True, "AZURE_OPENAI_DEPLOYMENT=shop-embeddings"),
        (422, True, "422: odd happened."),
        (429, False, "tokens per minute"),
        (500, False, "500: odd happened."),
    ],
)
def test_refusal_says_what_to_do(
    backend, service, monkeypatch, status, permanent, advice
):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    service.replies = [refuse(status, "odd")] * 6

    err = failure(backend)

    assert advice in str(err)
    assert "the-key" not in str(err)
    assert err.permanent is permanent
    assert len(service.requests) == (1 if permanent else 6)


def test_wrong_deployment_is_named(service, settings, backend):
    settings.AZURE_OPENAI_DEPLOYMENT = "elsewhere"
    other = get_backend()

    err = failure(other)
    other.client().close()

    assert "AZURE_OPENAI_DEPLOYMENT=elsewhere" in str(err)


# Answers that are not what was asked for


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (answer_with(change=lambda data: data[:-1]), "2 vectors for 3 texts"),
        (answer_with(change=lambda data: []), "makes no sense"),
        (answer_with(change=lambda data: data[:1] * 3), "3 vectors for 3 texts"),
        (answer_with(change=lambda data: [*data, data[0]]), "4 vectors for 3"),
        (answer_with(model="text-embedding-3-large"), "serves text-embedding-3-large"),
        (
            lambda handler, body: answer(handler, {**body, "dimensions": 100}),
            "vectors of 100 numbers",
        ),
        (lambda handler, body: handler.send(200, b"{no json"), "makes no sense"),
        (lambda handler, body: handler.send(200, b"{}"), "makes no sense"),
        (
            lambda handler, body: handler.send(200, b"<p>Log in", kind="text/html"),
            "makes no sense",
        ),
        (
            lambda handler, body: answer(
                handler,
                body,
                change=lambda data: [{**item, "embedding": "A"} for item in data],
            ),
            "makes no sense",
        ),
    ],
    ids=[
        "short",
        "none",
        "same",
        "long",
        "model",
        "dimensions",
        "json",
        "empty",
        "html",
        "base64",
    ],
)
def test_odd_answer_is_refused(backend, service, reply, message):
    service.replies = [reply]

    with pytest.raises(EmbeddingError, match=message):
        backend.embed(TEXTS)


# Limits


def test_many_texts_are_split_into_requests(backend, service, monkeypatch):
    monkeypatch.setattr(backend, "max_texts", 2)

    vectors = backend.embed(TEXTS)

    assert [body["input"] for *_, body in service.requests] == [TEXTS[:2], TEXTS[2:]]
    np.testing.assert_allclose(vectors, Deterministic().embed(TEXTS), atol=1e-6)


def test_long_texts_are_split_into_requests(backend, service, monkeypatch):
    monkeypatch.setattr(backend, "max_tokens", 17)

    backend.embed(TEXTS)

    assert [body["input"] for *_, body in service.requests] == [TEXTS[:2], TEXTS[2:]]


def test_request_that_is_too_large_all_the_same_goes_in_halves(backend, service):
    service.largest = 17

    vectors = backend.embed(TEXTS)

    assert [len(body["input"]) for *_, body in service.requests] == [3, 1, 2, 1, 1]
    np.testing.assert_allclose(vectors, Deterministic().embed(TEXTS), atol=1e-6)


def test_text_that_is_alone_too_long_is_cut(backend, service, monkeypatch):
    monkeypatch.setattr(backend, "max_tokens_of_a_text", 8)
    service.largest = 8

    backend.embed(["größer als erlaubt"])

    assert [body["input"] for *_, body in service.requests] == [
        ["größer als erlaubt"],
        ["größer"],
    ]


def test_text_that_is_refused_though_short_is_an_error(backend, service):
    service.largest = 1

    err = failure(backend, ["red shoe"])

    assert "context_length_exceeded" in str(err)
    assert err.permanent


# Settings


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "shop.openai.azure.com",
        "http://shop.openai.azure.com/",
        "https://shop.openai.azure.com/openai/deployments/x/embeddings",
        "https:///",
    ],
)
def test_endpoint_that_cannot_work_is_refused(backend, settings, endpoint):
    settings.AZURE_OPENAI_ENDPOINT = endpoint

    with pytest.raises(ImproperlyConfigured, match="AZURE_OPENAI_ENDPOINT"):
        get_backend()


def test_missing_deployment_is_refused(backend, settings):
    settings.AZURE_OPENAI_DEPLOYMENT = ""

    with pytest.raises(ImproperlyConfigured, match="AZURE_OPENAI_DEPLOYMENT"):
        get_backend()
