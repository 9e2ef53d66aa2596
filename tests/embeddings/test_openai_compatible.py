"""Embedding by a server of OpenAI's kind: the real client against one on loopback."""

import numpy as np
import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from products.embeddings import EmbeddingError, get_backend, load_or_log
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from tests.stand_ins.embedding_service import (
    answer,
    answer_with,
    embedding_service,
    hang_up,
    refuse,
    say_nothing,
)

TEXTS = ["red shoe", "blue hat", "green coat"]


@pytest.fixture
def service():
    with embedding_service("/v1/embeddings") as server:
        yield server


@pytest.fixture
def backend(service, settings):
    """The backend of a process that is set up to use the server, without a key."""
    settings.EMBEDDING_BACKEND = (
        "products.embeddings.openai_compatible.EmbeddingBackend"
    )
    settings.EMBEDDING_URL = f"http://127.0.0.1:{service.server_port}/v1"
    settings.EMBEDDING_MODEL = "all-minilm"
    backend = get_backend()
    yield backend
    backend.client().close()


def failure(backend, texts=TEXTS):
    """The error that embedding gives."""
    with pytest.raises(EmbeddingError) as caught:
        backend.embed(texts)
    return caught.value


def error_body(status, error):
    """A refusal with a body of the server's own form."""
    return lambda handler, body: handler.send(status, error)


def long_vectors(handler, body):
    """Answer with 768 numbers, as many models do."""

    def doubled(data):
        return [{**item, "embedding": item["embedding"] * 2} for item in data]

    answer(handler, body, change=doubled)


def with_embedding(value):
    """An answer that has *value* in place of each vector."""

    def changed(data):
        return [{**item, "embedding": value} for item in data]

    return answer_with(change=changed)


# Requests


def test_texts_get_their_own_vectors_in_their_order(backend):
    vectors = backend.embed(TEXTS)

    np.testing.assert_allclose(vectors, Deterministic().embed(TEXTS), atol=1e-6)


def test_request_is_one_that_every_such_server_understands(
    backend, service, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "of-somebody-else")

    backend.embed(TEXTS)

    [(path, _, headers, body)] = service.requests
    assert path == "/v1/embeddings"
    assert headers["Authorization"] is None
    assert body == {"model": "all-minilm", "input": TEXTS, "encoding_format": "float"}


def test_a_key_is_sent_as_a_bearer_token(backend, service, settings):
    settings.EMBEDDING_API_KEY = "the-key"
    keyed = get_backend()

    keyed.embed(TEXTS)
    keyed.client().close()

    assert service.requests[0][2]["Authorization"] == "Bearer the-key"


def test_shortened_vectors_are_asked_for_only_where_that_is_set(
    backend, service, settings
):
    settings.EMBEDDING_SHORTEN = True
    shortened = get_backend()

    shortened.embed(TEXTS)
    shortened.client().close()

    assert service.requests[0][3]["dimensions"] == 384


def test_fingerprint_names_model_and_dimensions_but_not_the_address(backend):
    assert backend.fingerprint.startswith("all-minilm/384/")


def test_33_texts_are_two_requests(backend, service):
    backend.embed([f"shoe {number}" for number in range(33)])

    assert [len(body["input"]) for *_, body in service.requests] == [32, 1]


# Refusals


def test_a_batch_waits_as_long_as_the_server_asks(backend, service, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    service.replies = [refuse(429, "busy", ("Retry-After", "3")), hang_up]

    assert backend.embed(TEXTS).shape == (3, 384)

    assert pauses[0] == 3
    assert len(service.requests) == 3


def test_a_search_does_not_wait_for_a_busy_server(backend, service):
    service.replies = [refuse(429, "busy", ("Retry-After", "60"))]

    err = failure(backend, ["red shoe"])

    assert "try again later" in str(err)
    assert err.permanent is False
    assert len(service.requests) == 1


def test_a_server_that_is_too_slow_for_a_search_is_given_up(
    backend, service, monkeypatch
):
    monkeypatch.setattr(backend, "text_seconds", 0.1)
    service.replies = [say_nothing]

    err = failure(backend, ["red shoe"])

    assert "does not answer" in str(err)
    assert "EMBEDDING_URL" in str(err)
    assert err.permanent is False


OLLAMA = {
    "error": {
        "message": 'model "all-minilm" not found, try pulling it first',
        "type": "api_error",
        "param": None,
        "code": None,
    }
}
VLLM = {"object": "error", "message": "The model does not exist.", "code": 404}
TEI = {"message": "Missing token", "type": "validation"}
LLAMA = {"error": {"code": 401, "message": "Invalid API Key", "type": "auth"}}


@pytest.mark.parametrize(
    ("status", "body", "says", "advice"),
    [
        (404, OLLAMA, "try pulling it first", "EMBEDDING_MODEL=all-minilm"),
        (404, VLLM, "The model does not exist.", "EMBEDDING_MODEL=all-minilm"),
        (401, LLAMA, "Invalid API Key", "EMBEDDING_API_KEY"),
        (403, TEI, "Missing token", "EMBEDDING_API_KEY"),
        (400, {"error": "no dimensions"}, "no dimensions", "EMBEDDING_SHORTEN"),
    ],
    ids=["ollama", "vllm", "llama.cpp", "tei", "text"],
)
def test_a_refusal_says_what_to_do(backend, service, status, body, says, advice):
    service.replies = [error_body(status, body)]

    err = failure(backend, ["red shoe"])

    assert says in str(err)
    assert advice in str(err)
    assert err.permanent


def test_an_address_without_v1_is_named(backend, service, settings):
    settings.EMBEDDING_URL = f"http://127.0.0.1:{service.server_port}"
    other = get_backend()

    err = failure(other)
    other.client().close()

    assert "ends with /v1 as a rule" in str(err)


def test_too_many_texts_for_the_server_go_in_halves(backend, service):
    service.replies = [error_body(413, TEI)]

    vectors = backend.embed(TEXTS)

    assert [len(body["input"]) for *_, body in service.requests] == [3, 1, 2]
    np.testing.assert_allclose(vectors, Deterministic().embed(TEXTS), atol=1e-6)


# Answers that cannot be used


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda handler, body: handler.send(200, b"{no json"), "makes no sense"),
        (
            lambda handler, body: handler.send(200, b"<p>Log in", kind="text/html"),
            "makes no sense",
        ),
        (lambda handler, body: handler.send(200, {"data": None}), "makes no sense"),
        (lambda handler, body: handler.send(200, [1]), "makes no sense"),
        (answer_with(change=lambda data: data[1:]), "2 vectors for 3 texts"),
        (with_embedding("AAAA"), "makes no sense"),
        (with_embedding(["a"] * 384), "makes no sense"),
        (with_embedding([[0.5] * 384]), "gave vectors of 384 numbers"),
        (with_embedding([0] * 384), "zero or not finite"),
        (long_vectors, "768 numbers, not 384. Set EMBEDDING_SHORTEN=true"),
    ],
    ids=["json", "html", "null", "list", "short", "text", "words", "nested", "zero"]
    + ["dimension"],
)
def test_an_odd_answer_is_refused(backend, service, reply, message):
    service.replies = [reply]

    with pytest.raises(EmbeddingError, match=message):
        backend.embed(TEXTS)


def test_a_server_that_ignores_the_wish_for_short_vectors_is_told_apart(
    backend, service, settings
):
    settings.EMBEDDING_SHORTEN = True
    service.replies = [long_vectors]
    shortened = get_backend()

    err = failure(shortened)
    shortened.client().close()

    assert "768 numbers, not 384. The server did not shorten" in str(err)


# At the start


def test_a_starting_server_logs_another_dimension(backend, service, caplog):
    service.replies = [long_vectors]

    load_or_log()

    assert "Searches go by words only" in caplog.text
    assert "gave vectors of 768 numbers" in caplog.text


def test_a_starting_server_leaves_no_connection_to_its_workers(backend):
    load_or_log()

    assert "made_client" not in vars(backend)


@pytest.mark.django_db
def test_the_check_of_the_database_asks_for_the_dimension(backend, service):
    service.replies = [long_vectors, error_body(401, LLAMA)]

    wrong, refused = (
        [message.id for message in run_checks(databases=["default"])] for _ in range(2)
    )

    assert wrong == ["products.E007"]
    assert refused == ["products.W001"]


# Settings


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434/v1",
        "ftp://localhost/v1",
        "http:///v1",
        "http://localhost:none/v1",
        "https://user:secret@host/v1",
        "https://host/v1?key=secret",
    ],
)
def test_an_address_that_cannot_work_is_refused_unseen(backend, settings, url):
    settings.EMBEDDING_URL = url

    with pytest.raises(ImproperlyConfigured, match="EMBEDDING_URL") as caught:
        get_backend()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("model", ["", "/models/" + 90 * "x"])
def test_a_model_without_a_usable_name_is_refused(backend, settings, model):
    settings.EMBEDDING_MODEL = model

    with pytest.raises(ImproperlyConfigured, match="EMBEDDING_MODEL"):
        get_backend()
