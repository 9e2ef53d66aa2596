"""Which part of a text matters, and what an exact scan finds besides."""

import pytest

from products.insight import comparison
from products.insight.comparison import Part, Parts, compare_with_exact, parts_of
from products.models import EmbeddingRecipe, Product
from products.search import Filters, search
from products.search.nearest import plan_nearest
from tests.backends import AXES, SECOND
from tests.factory import make_product, near


def question(**changes):
    return {
        "text": "",
        "filters": Filters(),
        "mode": "hybrid",
        "like": (),
        "unlike": (),
        "diversity": 0.0,
        "sort": "name",
        "page": 1,
    } | changes


@pytest.mark.usefixtures("samples", "real_model")
def test_the_part_that_matters_is_the_one_whose_loss_costs_most():
    product = Product.objects.for_display().get(sku="coffee-maker")

    parts = parts_of(product, question(text="drip coffee"))

    assert {part.field for part in parts.parts} == {"name", "category", "description"}
    assert parts.best.loss == max(part.loss for part in parts.parts)
    assert parts.best.field in ("name", "description")
    for part in parts.parts:
        assert part.similarity + part.loss == pytest.approx(parts.similarity)


@pytest.mark.django_db
def test_a_product_that_is_only_a_name_loses_everything_without_it():
    product = make_product(name="Lamp")

    [part] = parts_of(product, question(text="Lamp")).parts

    assert (part.field, part.similarity) == ("name", None)
    assert part.loss == pytest.approx(1)


def test_the_parts_of_a_similar_product_can_be_reckoned_by_hand(by_hand):
    lamp, _, hit = by_hand

    parts = parts_of(hit, question(like=(lamp,)))

    # (1, 1, 1) against (1, 0, 0); without its name it is (0, 1, 1), and so on.
    assert parts.similarity == pytest.approx(1 / 3**0.5)
    assert {part.field: part.similarity for part in parts.parts} == pytest.approx(
        {"name": 0, "category": 1 / 2**0.5, "description": 1 / 2**0.5}, abs=1e-6
    )
    assert parts.best.field == "name"
    # 0.58 without the name, 0.58 - 0.71 without either of the others.
    assert [(bar.part.field, bar.part.contribution) for bar in parts.bars] == [
        ("name", 0.58),
        ("category", -0.13),
        ("description", -0.13),
    ]
    # 0.13 + 0.58 are 0.71: from 13/71 of the width to the right, or up to there.
    assert [(bar.start, bar.length) for bar in parts.bars] == [
        (18, 82),
        (0, 18),
        (0, 18),
    ]


def test_what_contributes_nothing_has_no_sign_and_no_bar():
    parts = Parts(0.5, [Part("name", 0.496, 0.004), Part("category", 0.504, -0.004)])

    assert [str(part.contribution) for part in parts.parts] == ["0.0", "0.0"]
    assert [bar.length for bar in parts.bars] == [0, 0]
    assert parts.best is None


def test_the_parts_of_a_result_of_several_examples_too(by_hand):
    lamp, home, hit = by_hand

    parts = parts_of(hit, question(like=(lamp,), unlike=(home,)))

    # Against (1, -1, 0): the name speaks for it, the category as much against it.
    assert parts.similarity == pytest.approx(0, abs=1e-6)
    assert {part.field: part.loss for part in parts.parts} == pytest.approx(
        {"name": 0.5, "category": -0.5, "description": 0}, abs=1e-6
    )


@pytest.mark.django_db
def test_reasons_are_given_by_the_recipe_in_force(settings, by_hand):
    lamp, _, hit = by_hand
    fingerprint = lamp.embedding_fingerprint
    EmbeddingRecipe.objects.create(backend=AXES, fingerprint=fingerprint)
    settings.EMBEDDING_BACKEND = SECOND

    asked = question(like=(Product.objects.get(pk=lamp.pk),))

    assert parts_of(hit, asked).best.field == "name"
    assert compare_with_exact(question(text="lamp")).compared == 3


@pytest.mark.django_db
def test_the_comparison_finds_what_another_plan_misses(monkeypatch):
    product = make_product()
    missed = make_product(name="Missed", embedding=near(0.1))
    for place in range(3):
        make_product(embedding=near(0.2 + 0.1 * place))
    real = Product.objects.all().nearest_to

    def without_one(self, vector, *, exact, **kwargs):
        found = real(vector, exact=exact, **kwargs).exclude(pk=product.pk)
        return found if exact else found.exclude(pk=missed.pk)

    monkeypatch.setattr("products.querysets.ProductQuerySet.nearest_to", without_one)
    # Else so few products are compared exactly, and nothing can be missed.
    monkeypatch.setattr(plan_nearest, "__kwdefaults__", {"bound": 1})

    comparison = compare_with_exact(question(like=(product,)))

    assert comparison.recall == 0.75
    assert [product.name for product in comparison.missed] == ["Missed"]


@pytest.mark.django_db
def test_the_same_comparison_is_made_once_a_minute(monkeypatch):
    lamp, chair = make_product(name="Lamp"), make_product(name="Chair")
    asked = []
    compare = comparison.compare
    monkeypatch.setattr(
        comparison, "compare", lambda given: asked.append(given) or compare(given)
    )

    first = compare_with_exact(question(like=(lamp,)))
    again = compare_with_exact(question(like=(lamp,)))
    other = compare_with_exact(question(like=(chair,)))

    assert again == first
    assert len(asked) == 2
    assert other.compared == first.compared == 1


@pytest.mark.parametrize(
    "change",
    [
        {"text": "lamp"},
        {"filters": Filters(categories=("Home",))},
        {"like": (Product(pk=1),)},
        {"unlike": (Product(pk=1),)},
    ],
    ids=["text", "filters", "like", "unlike"],
)
@pytest.mark.django_db
def test_another_question_has_another_answer(change):
    asked = comparison.make_question(question(**change))

    assert comparison.key_of(asked) != comparison.key_of(
        comparison.make_question(question())
    )


@pytest.mark.django_db
def test_a_text_without_one_of_its_parts_is_embedded_once(by_hand, monkeypatch):
    lamp, _, hit = by_hand
    first = parts_of(hit, question(like=(lamp,)))
    monkeypatch.setattr(
        "tests.backends.Axes.vectors", lambda *_: pytest.fail("Embedded again.")
    )

    assert parts_of(hit, question(like=(lamp,))) == first


@pytest.mark.django_db
@pytest.mark.parametrize("bound", [1, 100], ids=["index", "exact"])
def test_the_comparison_has_the_plan_of_the_results(monkeypatch, bound):
    """A small catalogue is read whole: neither page may speak of the index."""
    monkeypatch.setattr(plan_nearest, "__kwdefaults__", {"bound": bound})
    products = [make_product(embedding=near(0.1 * n)) for n in range(1, 6)]
    asked = question(like=(products[0],))

    comparison = compare_with_exact(asked)

    assert comparison.plan.method == search(like=[products[0]]).plan.method
    assert comparison.plan.exact == (bound == 100)
    # It reads all five and throws the example away.
    assert (comparison.scan.index, comparison.scan.read) == ("", 5)


@pytest.mark.django_db
def test_a_kept_comparison_needs_no_turn():
    lamp, _ = make_product(name="Lamp"), make_product(name="Chair")
    first = compare_with_exact(question(like=(lamp,)))

    with comparison.TURNS.taken(seconds=0):
        again = compare_with_exact(question(like=(lamp,)))

    assert again == first
