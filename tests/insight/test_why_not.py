"""Which gate keeps a product out of the results: one test for each."""

import json

import pytest
from django.core.management import CommandError, call_command

from products.insight import comparison
from products.insight.as_code import DEFAULTS
from products.insight.why_not import why_not
from products.models import Calibration, Product
from products.search import Filters, nearest as nearest_module
from products.search.nearest import plan_nearest
from products.turns import BusyError
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


def ask(product, text="", **changes):
    asked = DEFAULTS | {"text": text, "filters": Filters(), "like": (), "unlike": ()}
    return why_not(Product.objects.get(pk=product.pk), asked | changes)


def stopped(answer):
    """The conditions that kept the product out, each with its figures."""
    assert answer.place is None
    return {str(gate.condition): gate.figures for gate in answer.stopped_by}


@pytest.fixture
def lamp():
    """What others are compared with."""
    return make_product(name="Lamp", category="Light", embedding=axis(0), price=20)


@pytest.fixture
def text_is_axis_0(monkeypatch):
    """Each text has the vector of axis 0."""
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.vectors",
        lambda self, texts: [axis(0) for _ in texts],
    )


def test_a_product_in_the_results_has_its_place_and_page(lamp):
    others = [make_product(embedding=near(0.1 * n)) for n in range(1, 6)]

    answer = ask(others[3], like=(lamp,), page_size=3)

    assert (answer.place, answer.page, answer.total) == (4, 2, 5)
    assert [str(gate.condition) for gate in answer.stopped_by] == ["page"]
    assert answer.verdict.endswith("at place 4 of 5, on page 2.")
    first = ask(others[0], like=(lamp,), page_size=3)
    assert (first.place, first.stopped_by) == (1, [])


@pytest.mark.parametrize("role", ["like", "unlike"])
def test_an_example_is_left_out(lamp, role):
    assert stopped(ask(lamp, **{role: (lamp,)})) == {"example": {}}


def test_another_category_is_left_out(lamp):
    answer = ask(lamp, filters=Filters(categories=("Home",)))

    assert stopped(answer) == {"category": {"category": "Light"}}
    assert "Its category is Light" in answer.stopped_by[0].says


@pytest.mark.parametrize(
    ("filters", "bound"),
    [(Filters(max_price="19.99"), "19.99"), (Filters(min_price="20.01"), "20.01")],
)
def test_another_price_is_left_out(lamp, filters, bound):
    answer = ask(lamp, filters=filters)

    assert stopped(answer) == {"price": {"price": "20.00", "bound": bound}}


def test_a_product_without_embedding_is_left_out_where_one_is_asked_for():
    bare = make_product(embedding=None)

    assert stopped(ask(bare, filters=Filters(embedded=True))) == {"embedded": {}}


@pytest.mark.parametrize(
    ("text", "condition"),
    [('"red lamp"', "phrase"), ("light -lamp", "without"), ('x -"a lamp"', "without")],
)
def test_what_was_typed_to_narrow_the_search_is_named(text, condition):
    lamp = make_product(name="Lamp", description="a lamp, red", embedding=axis(0))

    assert stopped(ask(lamp, text)) == {condition: {}}


def test_a_product_without_embedding_cannot_be_compared(lamp):
    bare = make_product(embedding=None)

    assert stopped(ask(bare, like=(lamp,))) == {"embedding": {"state": "missing"}}


def test_a_product_of_another_recipe_cannot_be_compared(lamp):
    other = make_product(embedding=axis(0), fingerprint="another")

    found = stopped(ask(other, like=(lamp,)))

    assert found == {"embedding": {"state": "other_recipe"}}


def test_a_stale_embedding_is_compared_and_named(lamp):
    old = make_product(name="Old", embedding=near(0.5))
    Product.objects.filter(pk=old.pk).update(name="New")

    answer = ask(old, like=(lamp,))

    assert answer.place == 1
    [gate] = [g for g in answer.gates if g.condition == "embedding"]
    assert (gate.passed, gate.figures) == (True, {"state": "stale"})


@pytest.mark.usefixtures("text_is_axis_0")
def test_what_is_too_far_away_misses_the_floor_by_so_much(lamp, monkeypatch):
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.default_floor", 0.3
    )
    far = make_product(name="Far", embedding=near(0.8))

    answer = ask(far, "anything", mode="semantic")

    # A cosine distance of 0.8 is a similarity of 0.2.
    assert stopped(answer) == {
        "floor": {"similarity": 0.2, "floor": 0.3, "missing": 0.1}
    }
    assert "0.1000 are missing" in answer.stopped_by[0].says


@pytest.mark.usefixtures("text_is_axis_0")
def test_where_nothing_is_near_enough_the_best_is_named(lamp):
    Product.objects.filter(pk=lamp.pk).delete()
    best = make_product(name="Chair", embedding=near(0.5))
    Calibration.objects.create(
        fingerprint=best.embedding_fingerprint,
        floor=0.6,
        products=1,
        samples=1,
    )

    found = stopped(ask(best, "anything", mode="semantic"))

    assert found == {"match": {"similarity": 0.5, "floor": 0.6, "missing": 0.1}}


def test_a_place_beyond_the_window_is_told_of_how_many(lamp, monkeypatch):
    monkeypatch.setattr("products.insight.ways.WINDOW", 2)
    monkeypatch.setattr("products.search.rank.nearest_products", only_two)
    others = [make_product(embedding=near(0.1 * n)) for n in range(1, 6)]
    chair = make_product(name="Chair", embedding=axis(7))

    found = stopped(ask(others[3], like=(lamp, chair)))

    assert found == {"rank": {"place": 4, "count": 5, "window": 2}}


def only_two(*args, **kwargs):
    return nearest_module.nearest_products(*args, **kwargs | {"size": 2})


def test_what_the_index_missed_is_found_by_the_exact_answer(lamp, monkeypatch):
    missed = make_product(name="Missed", embedding=near(0.1))
    other = make_product(name="Other", embedding=near(0.2))
    chair = make_product(name="Chair", embedding=axis(7))
    real = Product.objects.all().nearest_to

    def without_one(self, vector, *, exact=False, **kwargs):
        found = real(vector, exact=exact, **kwargs)
        # The real one begins with all products: leave the examples out again.
        found = found.exclude(pk__in=[lamp.pk, chair.pk])
        return found if exact else found.exclude(pk=missed.pk)

    monkeypatch.setattr("products.querysets.ProductQuerySet.nearest_to", without_one)
    # Else so few products are compared exactly, and nothing can be missed.
    monkeypatch.setattr(plan_nearest, "__kwdefaults__", {"bound": 0})

    answer = ask(missed, like=(lamp, chair))

    assert stopped(answer) == {"index": {}}
    assert ask(other, like=(lamp, chair)).place == 1


def test_without_a_word_in_common_the_words_are_named(lamp):
    assert stopped(ask(lamp, "chairs", mode="keyword", literal=True)) == {
        "word": {"asked": ["chairs"], "found": []}
    }


def test_other_products_have_more_of_the_words(lamp, monkeypatch):
    monkeypatch.setattr("products.search.rank.KEYWORD_CANDIDATES", 1)
    make_product(name="Red lamp", embedding=axis(3))

    found = stopped(ask(lamp, "red lamp", mode="keyword"))

    assert list(found) == ["word_rank"]


def test_of_a_product_with_some_of_the_words_more_is_asked(monkeypatch):
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.default_floor", 0.3
    )
    # The deterministic model gives words at right angles: a similarity of zero.
    product = make_product(name="Form", embedding=axis(5))
    make_product(name="Visa", embedding=axis(6))

    found = stopped(ask(product, "visa form", mode="hybrid"))

    assert list(found) == ["match", "every_word"]


def test_a_corrected_text_may_be_another_question(monkeypatch):
    near_typed = make_product(name="Chair", embedding=axis(0))
    for n in range(3):
        make_product(name="Headphones", sku=f"phones-{n}", embedding=axis(1))
    typed = {"hedphones": axis(0), "headphones": axis(1)}
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.vectors",
        lambda self, texts: [typed[text] for text in texts],
    )
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.default_floor", 0.3
    )

    answer = ask(near_typed, "hedphones")

    assert stopped(answer) == {
        "corrected": {"typed": "hedphones", "corrected": "headphones"}
    }
    assert ask(near_typed, "hedphones", literal=True).place == 1


def test_variety_pushed_it_to_another_page(lamp):
    twins = [make_product(embedding=near(0.1 + 0.001 * n)) for n in range(3)]
    make_product(name="Other kind", embedding=near(0.5, towards=2))

    answer = ask(twins[1], like=(lamp,), diversity=0.7, page_size=2)

    # The one of another kind comes second, the next twin third.
    assert (answer.place, answer.page) == (3, 2)
    [gate] = [g for g in answer.stopped_by if g.condition == "diversity"]
    assert gate.figures == {"before": 2, "place": 3}


def test_the_catalogue_has_places_too(lamp):
    chair = make_product(name="Chair", price=10)

    assert ask(lamp).place == 2
    assert ask(chair).place == 1
    assert ask(lamp, sort="-price").place == 1
    assert ask(chair, sort="-created_at").place == 1


def test_a_catalogue_is_paged_through_only_so_far(lamp, monkeypatch):
    monkeypatch.setattr("products.insight.why_not.LISTING_WINDOW", 1)
    make_product(name="Chair")

    assert stopped(ask(lamp)) == {"page": {"place": 2, "window": 1}}


@pytest.mark.usefixtures("broken_model")
def test_a_text_that_cannot_be_embedded_leaves_words_only():
    lamp = make_product(name="Lamp", embedding=axis(0))

    assert list(stopped(ask(lamp, "chairs", literal=True))) == ["model", "word"]


def test_who_asks_while_others_do_gets_no_turn(lamp, monkeypatch):
    monkeypatch.setattr(comparison, "WAIT_SECONDS", 0.01)

    with comparison.TURNS.taken(seconds=0), pytest.raises(BusyError):
        ask(lamp, "lamp")


# The command


def test_the_command_writes_each_gate(lamp, capsys):
    call_command("why_not", "lamp", lamp.sku, "--max-price=10")

    assert capsys.readouterr().out.splitlines() == [
        "“Lamp” is not in the results.",
        "stopped  Price: It costs $20.00, more than the highest price, $10.00.",
    ]


def test_the_command_writes_json(lamp, capsys):
    other = make_product(name="Other", embedding=near(0.25))

    call_command("why_not", "", other.sku, f"--like={lamp.sku}", "--json")

    answer = json.loads(capsys.readouterr().out)
    assert (answer["place"], answer["page"], answer["total"]) == (1, 1, 1)
    assert answer["stopped_by"] == []
    assert [gate["condition"] for gate in answer["gates"]] == [
        "example",
        "embedding",
        "rank",
        "index",
        "page",
    ]


def test_the_command_names_an_unknown_product(lamp):
    with pytest.raises(CommandError, match="no product with the sku 'chair'"):
        call_command("why_not", "lamp", "chair")
