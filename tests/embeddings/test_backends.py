"""Embedding backends: the bundled model, the deterministic one, and the base class."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

from products.embeddings import (
    BaseEmbeddingBackend,
    EmbeddingError,
    get_backend,
    load_backend,
    onnx as bundled,
)
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from products.models import DIMENSIONS

FOLD = "session.disable_quant_qdq"

WITHOUT_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError("the network was asked for")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
socket.create_connection = refuse

import django

django.setup()
from products.embeddings import get_backend

vectors = get_backend().embed(["coffee"])
print(vectors.shape, get_backend().fingerprint)
"""


def cosine(one, other):
    return float(np.dot(*get_backend().embed([one, other])))


# The bundled model


# The sentences of the model's page; the numbers are the bundled file's own, recorded.
@pytest.mark.usefixtures("real_model")
@pytest.mark.parametrize(
    ("sentence", "similarity"),
    [
        ("That is a very happy person", 0.943),
        ("That is a happy dog", 0.696),
        ("Today is a sunny day", 0.263),
    ],
)
def test_the_bundled_model_gives_the_known_similarities(sentence, similarity):
    assert cosine("That is a happy person", sentence) == pytest.approx(
        similarity, abs=0.01
    )


@pytest.mark.usefixtures("real_model")
@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("headphones", "wireless earbuds", "yoga mat"),
        ("espresso machine", "coffee maker", "running shoes"),
        ("something to listen to music", "headphones", "coffee maker"),
        ("laptop", "notebook computer", "trail running shoes"),
    ],
)
def test_the_bundled_model_knows_what_words_mean(query, near, far):
    assert cosine(query, near) > cosine(query, far) + 0.2


@pytest.mark.usefixtures("real_model")
@pytest.mark.usefixtures("real_model")
def test_the_bundled_model_knows_words_and_no_typing_errors():
    words = ["sneakers", "snaekers", "skirt", "skrit", "zzzz"]

    assert [word for word in words if get_backend().knows_word(word)] == [
        "sneakers",
        "skirt",
    ]


def test_the_same_text_has_the_same_vector_in_any_company():
    alone = get_backend().embed(["coffee maker"])[0]
    together = get_backend().embed(["coffee maker", "word " * 300, "x"])[0]

    assert float(np.dot(alone, together)) == pytest.approx(1, abs=0.01)


@pytest.mark.usefixtures("real_model")
def test_vectors_of_the_bundled_model_fit_the_column():
    texts = ["coffee", "", "☕" * 50, "x" * 20_000]

    vectors = get_backend().embed(texts)

    assert vectors.shape == (len(texts), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.usefixtures("real_model")
def test_threads_share_one_model():
    with ThreadPoolExecutor(4) as threads:
        models = set(threads.map(lambda _: id(get_backend().loaded()), range(8)))

    assert len(models) == 1


@pytest.mark.parametrize(
    ("serving", "features", "threads", "folded"),
    [
        (True, ["X86_V4", "AVX512_ICL"], 1, None),
        (True, ["ASIMDDP"], 1, None),
        (True, ["X86_V3"], 1, "1"),
        (False, ["X86_V4", "AVX512_ICL"], 0, "1"),
    ],
    ids=["server with VNNI", "server on ARM", "server with AVX2", "command"],
)
def test_the_model_runs_as_fits_the_process_and_the_processor(
    monkeypatch, serving, features, threads, folded
):
    given = []
    monkeypatch.setattr(bundled, "is_serving", lambda: serving)
    monkeypatch.setattr(bundled, "processor_features", lambda: features)
    monkeypatch.setattr(
        "onnxruntime.InferenceSession", lambda path, options, **_: given.append(options)
    )

    backend = bundled.EmbeddingBackend()
    backend.load()

    [options] = given
    assert options.intra_op_num_threads == threads
    if folded:
        assert (
            backend.runs_as() == "all-MiniLM-L6-v2-int8, in float32, on the processor"
        )
        assert options.get_session_config_entry(FOLD) == folded
    else:
        assert backend.runs_as() == "all-MiniLM-L6-v2-int8, in int8, on the processor"
        with pytest.raises(RuntimeError, match=FOLD):
            options.get_session_config_entry(FOLD)


def test_int8_and_float32_products_give_the_same_vectors(monkeypatch):
    texts = ["headphones", "espresso machine for the office", "word " * 300]
    found = []
    for int8 in (True, False):
        monkeypatch.setattr(bundled, "multiplies_int8", lambda int8=int8: int8)
        found.append(bundled.EmbeddingBackend().embed(texts))

    cosines = np.sum(found[0] * found[1], axis=1)

    assert np.all(cosines > 0.999)


def test_numpy_names_what_the_processor_can_do():
    features = bundled.processor_features()

    assert features
    assert all(isinstance(feature, str) for feature in features)


@pytest.mark.usefixtures("real_model")
def test_vectors_come_in_the_order_of_the_texts():
    texts = [f"{'long ' * (number % 7)}lamp {number}" for number in range(40)]

    together = get_backend().embed(texts)
    alone = np.concatenate([get_backend().embed([text]) for text in texts])

    assert np.all(np.sum(together * alone, axis=1) > 0.9999)


def test_the_bundled_model_works_with_the_network_off():
    environment = {
        "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
        "SECRET_KEY": "x",
        "PATH": "",
    }

    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.stderr == ""
    assert run.stdout.startswith("(1, 384) all-MiniLM-L6-v2-int8/384/")


@pytest.mark.usefixtures("real_model")
def test_a_missing_model_is_told_with_advice(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "MODEL_DIR", tmp_path / "gone")

    with pytest.raises(EmbeddingError) as raised:
        get_backend().embed(["coffee"])

    assert str(tmp_path / "gone") in str(raised.value)
    assert "git checkout -- products/embeddings" in str(raised.value)
    assert raised.value.permanent
    assert raised.value.__cause__ is not None


@pytest.mark.usefixtures("real_model")
def test_a_damaged_model_is_told_with_advice(monkeypatch, tmp_path):
    for file in bundled.MODEL_DIR.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:1000])
    monkeypatch.setattr(bundled, "MODEL_DIR", tmp_path)

    with pytest.raises(EmbeddingError, match="pip install -r requirements.txt"):
        get_backend().embed(["coffee"])


# The deterministic one


def test_the_deterministic_vectors_are_the_same_on_each_machine():
    vector = Deterministic().embed(["Coffee maker"])[0]

    assert vector[:4] == pytest.approx(
        [-0.085657, -0.002450, 0.084264, 0.017779], abs=1e-6
    )


def test_texts_that_share_words_are_near_each_other():
    assert cosine("red shoes", "blue shoes") == pytest.approx(0.5, abs=0.15)
    assert cosine("red shoes", "coffee") == pytest.approx(0, abs=0.15)
    assert cosine("Red SHOES!", "shoes, red") == pytest.approx(1)


@pytest.mark.parametrize("text", ["", " ", "...", "\0", "☕"])
def test_a_text_without_words_has_a_vector_too(text):
    assert np.linalg.norm(Deterministic().embed([text])) == pytest.approx(1)


# The base class


class Given(BaseEmbeddingBackend):
    model = "given"

    def __init__(self, vectors):
        self.given = vectors

    def vectors(self, texts):
        return self.given


def test_vectors_are_brought_to_length_one():
    vectors = Given([[3.0] + [0.0] * 382 + [4.0]]).embed(["x"])

    assert (vectors[0][0], vectors[0][-1]) == pytest.approx((0.6, 0.8))


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ([[0.1] * 330], "shape"),
        ([[0.1] * 384] * 2, "shape"),
        ([0.1] * 384, "shape"),
        ([], "shape"),
        ([[0.0] * 384], "zero or not finite"),
        ([[float("nan")] * 384], "zero or not finite"),
        ([[float("inf")] * 384], "zero or not finite"),
    ],
    ids=["330", "two", "flat", "none", "zero", "NaN", "infinite"],
)
def test_what_is_not_a_usable_vector_is_refused(vectors, reason):
    with pytest.raises(EmbeddingError, match=reason):
        Given(vectors).embed(["x"])


def test_no_text_asks_the_model_nothing():
    assert Given(None).embed([]).shape == (0, 384)


def test_the_fingerprint_names_model_dimensions_and_template():
    model, dimensions, template = Given([]).fingerprint.split("/")

    assert (model, dimensions, len(template)) == ("given", "384", 8)


# The setting


def test_one_instance_serves_the_process():
    assert get_backend() is get_backend()


def test_the_old_path_of_the_bundled_model_still_names_it(settings):
    settings.EMBEDDING_BACKEND = "products.embeddings.fastembed.EmbeddingBackend"

    backend = get_backend()

    assert backend is load_backend("products.embeddings.onnx.EmbeddingBackend")
    assert backend.fingerprint == "all-MiniLM-L6-v2-int8/384/eaebfebf"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.Backend", "cannot be imported"),
        ("nodots", "cannot be imported"),
        ("products.embeddings.onnx.Nothing", "cannot be imported"),
        ("decimal.Decimal", "is not a subclass"),
        ("products.embeddings.get_backend", "is not a subclass"),
    ],
)
def test_a_setting_that_names_no_backend_is_refused(settings, path, reason):
    settings.EMBEDDING_BACKEND = path

    with pytest.raises(
        ImproperlyConfigured, match=f"EMBEDDING_BACKEND='{path}' {reason}"
    ):
        get_backend()


def test_a_processor_without_any_extension_is_no_error(monkeypatch):
    monkeypatch.setattr("numpy.show_config", lambda mode: {"Compilers": {}})

    assert bundled.processor_features() == []
