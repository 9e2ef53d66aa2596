"""What an import, a synonym or another model would do to searches, checked by hand.

The products of most tests have no vector, so that words alone find them: shorter names
with the word come first.
"""

import math
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.utils.connection import ConnectionDoesNotExist

from products.embeddings import get_backend
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from products.models import EmbeddingRecipe, Product, Synonym
from products.quality.future import FutureRow, as_it_is, with_rows
from products.quality.impact import (
    ChangedSearch,
    Found,
    Impact,
    Queries,
    compare,
    impact_of_model,
    impact_of_synonyms,
    queries_of,
)
from products.quality.judged import EvaluationError
from products.search import Mode, search
from products.search.synonym_entries import Entry
from products.search.words import query_terms
from products.upkeep import switching
from products.upkeep.pending import Failures, embed_column
from products.upkeep.second_column import SecondEmbedding
from tests.factory import axis, make_product
from tests.search_log.logs import searched

pytestmark = pytest.mark.django_db(transaction=True)


class OtherModel(Deterministic):
    """To this model all texts mean the same."""

    model = "same"

    def vectors(self, texts):
        return [axis(0)] * len(texts)


def row(sku, name, *, embedding=None, price="9.99", description=""):
    """A row of an import; without a vector what is stored stays."""
    return FutureRow(sku, name, "", description, Decimal(price), "", embedding, "", "")


def names(text, using):
    return [hit.product.name for hit in search(text, using=using, literal=True)]


@pytest.fixture
def lamps():
    make_product(sku="L1", name="Lamp", embedding=None)
    make_product(sku="L2", name="Red lamp", embedding=None)
    make_product(sku="C1", name="Chair", embedding=None)


# The future


@pytest.mark.usefixtures("lamps")
def test_a_new_a_changed_and_a_deleted_product_are_found_as_they_would_be():
    changed = [row("L2", "Red stool"), row("L3", "Blue lamp")]

    with (
        as_it_is("default") as now,
        with_rows(changed, ["C1"], using="default") as then,
    ):
        assert names("lamp", now) == ["Lamp", "Red lamp"]
        assert names("lamp", then) == ["Lamp", "Blue lamp"]
        assert names("stool", then) == ["Red stool"]
        assert names("L3", then) == ["Blue lamp"]
        assert names("chair", now) == ["Chair"]
        assert names("chair", then) == []


@pytest.mark.usefixtures("lamps")
def test_nothing_of_it_is_seen_elsewhere_and_nothing_stays():
    before = list(Product.objects.order_by("pk").values())

    with with_rows([row("L1", "Stool")], ["C1"], using="default") as then:
        assert names("stool", then) == ["Stool"]
        assert names("stool", "default") == []
        alias = then

    assert list(Product.objects.order_by("pk").values()) == before
    assert make_product(name="Next", embedding=None).pk == before[-1]["id"] + 1
    with pytest.raises(ConnectionDoesNotExist):
        connections[alias]


@pytest.mark.usefixtures("lamps")
def test_the_shop_writes_meanwhile_and_waits_for_nothing():
    """A statement that waits for a lock is refused here after a second."""
    with with_rows([row("L1", "Stool")], ["C1"], using="default") as then:
        names("stool", then)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
            cursor.execute("UPDATE products SET name = 'Desk' WHERE sku = 'L1'")
            cursor.execute("DELETE FROM products WHERE sku = 'C1'")


def test_a_row_with_a_vector_is_found_by_it_and_one_without_keeps_its_own():
    backend = get_backend()
    [vector] = backend.embed_queries(["sofa"])
    made = (str(vector.tolist()), backend.fingerprint, "hash")
    make_product(sku="A", name="Couch", embedding=vector.tolist())
    make_product(sku="B", name="Bench", embedding=None)
    changed = [
        row("A", "Settee"),
        row("B", "Bench")._replace(
            embedding=made[0], embedding_fingerprint=made[1], embedded_hash=made[2]
        ),
    ]

    def by_meaning(using):
        found = search("sofa", mode=Mode.SEMANTIC, using=using)
        return [hit.product.name for hit in found]

    with as_it_is("default") as now, with_rows(changed, [], using="default") as then:
        assert by_meaning(now) == ["Couch"]
        assert by_meaning(then) == ["Settee", "Bench"]


@pytest.mark.usefixtures("lamps")
def test_words_weigh_by_the_statistics_that_the_table_has():
    """Of three products two have the word: log(1 + (3 - 2 + 0.5) / (2 + 0.5))."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")

    with with_rows([], [], using="default") as then:
        [term] = query_terms("lamp", using=then)

    assert term.weight == pytest.approx(math.log(1.6))


# What changes


def found(*skus):
    return [Found(sku, sku.title()) for sku in skus]


def test_a_search_changes_when_its_first_five_are_others_or_in_another_order():
    before = {"same": found("a", "b"), "order": found("a", "b"), "less": found("a")}
    after = {"same": found("a", "b"), "order": found("b", "a"), "less": []}

    impact = compare(
        Queries([*before], frequent=True),
        before.__getitem__,
        after.__getitem__,
        seconds=60,
    )

    assert impact.changed == [
        ChangedSearch("order", found("a", "b"), found("b", "a")),
        ChangedSearch("less", found("a"), []),
    ]
    assert impact.sentence == (
        "The first five of 2 of your 3 most frequent searches change; 1 will find "
        "nothing."
    )
    assert impact.left_out == ""


def test_what_there_is_no_time_for_is_said():
    queries = Queries(["a", "b"], frequent=False)

    impact = compare(queries, lambda text: [], lambda text: [], seconds=-1)

    assert impact == Impact(queries=2, frequent=False, asked=0)
    assert impact.left_out == "Looked at 0 of 2 searches: the time was up."


@pytest.mark.usefixtures("lamps")
def test_a_synonym_changes_the_searches_with_its_word():
    make_product(sku="S1", name="Settee", embedding=None)
    queries = Queries(["sofa", "lamp", "chair"], frequent=False)

    impact = impact_of_synonyms(
        [Entry(["sofa", "settee"], [])], queries, using="default", seconds=60
    )

    assert impact.changed == [ChangedSearch("sofa", [], [Found("S1", "Settee")])]
    assert impact.sentence == (
        "The first five of 1 of the 3 searches change; 0 will find nothing."
    )


def test_a_synonym_that_is_replaced_finds_nothing_more():
    make_product(sku="S1", name="Settee", embedding=None)
    old = Synonym.objects.create(words=["sofa", "settee"])
    new = [Entry(["couch", "settee"], [])]
    queries = Queries(["sofa", "couch"], frequent=False)

    impact = impact_of_synonyms(
        new, queries, gone=[old.pk], using="default", seconds=60
    )

    settee = [Found("S1", "Settee")]
    assert impact.changed == [
        ChangedSearch("sofa", settee, []),
        ChangedSearch("couch", [], settee),
    ]
    assert impact.lost == 1


def test_another_model_changes_what_it_sees_otherwise():
    """By hashed words "sofa" is near "sofa bed"; by the other model near everything."""
    make_product(sku="A", name="Sofa", embedding=None)
    make_product(sku="B", name="Lamp", embedding=None)
    for product in Product.objects.all():
        product.save()  # embeds it
    path = "tests.quality.test_impact.OtherModel"
    recipe = switching.begin(path, OtherModel(), using="default")
    list(embed_column(SecondEmbedding, using="default", failures=Failures()))
    queries = Queries(["sofa"], frequent=False)

    impact = impact_of_model(
        EmbeddingRecipe.objects.current("default"), queries, using="default", seconds=60
    )

    assert recipe.second_backend == path
    assert impact.changed == [
        ChangedSearch(
            "sofa", [Found("A", "Sofa")], [Found("A", "Sofa"), Found("B", "Lamp")]
        )
    ]


# Which searches


def test_a_file_gives_its_queries_once(tmp_path):
    path = tmp_path / "queries.tsv"
    path.write_text("qid\tquery\n1\tlamp\n2\tred lamp\n3\tlamp\n")

    assert queries_of(path, using="default") == Queries(
        ["lamp", "red lamp"], frequent=False
    )


def test_the_log_gives_its_most_frequent_ones(settings):
    settings.SEARCH_LOG = True
    for text, visitor in [("lamp", "anna"), ("lamp", "ben"), ("chair", "anna")]:
        searched(text, visitor=visitor)

    assert queries_of(None, using="default") == Queries(
        ["lamp", "chair"], frequent=True
    )


@pytest.mark.parametrize("log", [True, False])
def test_without_any_it_is_said_how_to_get_some(settings, log):
    settings.SEARCH_LOG = log

    with pytest.raises(EvaluationError, match="--queries, or set SEARCH_LOG=true"):
        queries_of(None, using="default")
