"""The vector of a query: how much of the text it is made of, and whose turn it is."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from products.search import query_vector as module, search
from products.search.query_vector import (
    EmbedderBusy,
    embedded_part,
    query_vector,
    text_vectors,
)
from tests.factory import make_product


class Recording(Deterministic):
    """Notes the texts it embeds and how many threads were in it at once at most."""

    model = "recording"

    def __init__(self):
        self.texts = []
        self.inside = self.most = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Event()

    def vectors(self, texts):
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.texts += texts
        self.began.set()
        assert self.may_go_on.wait(30)
        self.inside -= 1
        return super().vectors(texts)


# How much is embedded


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("red  lamp", "red lamp"),
        ("", ""),
        (" ".join(f"w{n}" for n in range(40)), " ".join(f"w{n}" for n in range(32))),
        # 24 words of nine letters and their blanks are 239 characters.
        (" ".join(30 * ["lampshade"]), " ".join(24 * ["lampshade"])),
        (1000 * "灯", 240 * "灯"),
        ("lamp " + 300 * "x", "lamp"),
    ],
    ids=["blanks", "nothing", "40 words", "long words", "no blanks", "long second"],
)
def test_the_first_32_words_and_240_characters_are_embedded(text, part):
    assert embedded_part(text) == part


@pytest.mark.django_db
def test_a_word_that_is_not_embedded_still_counts():
    make_product(name="Chair")
    lamp = make_product(name="Chandelier")
    embedder = Recording()
    # "the" is no word to search for, so "chandelier" is the first of those.
    text = 40 * "the " + "chandelier"

    results = search(text, embedder=embedder)

    assert embedder.texts == [(32 * "the ").strip()]
    assert [hit.product for hit in results] == [lamp]


# Turns


def test_one_text_is_embedded_at_a_time():
    embedder = Recording()

    with ThreadPoolExecutor(4) as threads:
        vectors = list(
            threads.map(lambda n: query_vector(f"lamp {n}", embedder), range(8))
        )

    assert len(vectors) == len(embedder.texts) == 8
    assert embedder.most == 1


def test_a_text_that_many_ask_for_at_once_is_embedded_once():
    embedder = Recording()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: query_vector("lamp", embedder), range(8)))

    assert embedder.texts == ["lamp"]


def test_of_several_texts_only_those_not_known_are_embedded():
    embedder = Recording()
    lamp = query_vector("lamp", embedder)

    vectors = text_vectors(["lamp", "chair"], embedder)

    assert embedder.texts == ["lamp", "chair"]
    assert vectors["lamp"].tolist() == lamp.tolist()
    assert vectors["chair"].tolist() == Deterministic().embed(["chair"])[0].tolist()


@pytest.fixture
def embedding():
    """An embedder in the middle of a text that does not come to an end."""
    embedder = Recording()
    embedder.may_go_on.clear()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(query_vector, "endless", embedder)
        assert embedder.began.wait(30)
        yield embedder
        embedder.may_go_on.set()


def test_a_turn_is_not_waited_for_longer_than_a_moment(embedding, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)

    with pytest.raises(EmbedderBusy) as raised:
        query_vector("lamp", embedding)

    assert not raised.value.permanent


@pytest.mark.django_db
def test_whose_turn_does_not_come_gets_results_by_words(embedding, monkeypatch, caplog):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    lamp = make_product(name="Lamp")

    results = search("lamp", embedder=embedding)

    assert [hit.product for hit in results] == [lamp]
    assert "not possible just now" in results.notice
    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_what_is_known_needs_no_turn(embedding, monkeypatch):
    embedding.may_go_on.set()
    query_vector("endless", embedding)
    embedding.may_go_on.clear()
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)

    with module.TURNS.taken(seconds=1):
        assert query_vector("endless", embedding).shape == (384,)


def test_a_turn_is_given_back_after_a_failure():
    class Failing(Deterministic):
        model = "failing"

        def vectors(self, texts):
            raise RuntimeError("broken")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            query_vector("lamp", Failing())

    assert query_vector("lamp", Recording()).shape == (384,)
