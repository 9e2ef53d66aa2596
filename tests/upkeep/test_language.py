"""The language of the catalogue's words: stems and stop words, and how it changes."""

from importlib import import_module

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from products.models import Product
from products.search import Filters, search
from products.search.completions import named_like
from products.search.words import query_terms
from products.sql.language import current_language
from products.upkeep.language import change_language
from products.upkeep.vector_index import configured_kind, is_usable
from tests.factory import make_product

GERMAN = {
    "lamp": ("Schreibtischlampe", "Lampen für Schreibtische, mit Schalter"),
    "shoes": ("Laufschuh Herr der Wege", "Ein Schuh für den Herrn"),
    "jacket": ("Jacke aus Wolle", "Warm"),
    "headphones": ("Kopfhörer ohne Kabel", "Musik den ganzen Tag"),
    "mug": ("Becher", "Für Tee und den Kaffee"),
}
FRENCH = {
    "shoe": ("Chaussures de ville", "Des souliers pour hommes"),
    "earphones": ("Écouteur sans fil", "La musique toute la journée"),
    "fridge": ("Frigo et congélateur", "Pour la cuisine"),
    "lamp": ("Lampe de bureau", "Pour la table"),
}


def catalogue(language, products):
    for sku, (name, description) in products.items():
        make_product(sku=sku, name=name, description=description, embedding=None)
    change_language(language, using="default", progress=lambda count: None)


def skus(text):
    return [hit.product.sku for hit in search(text, mode="keyword", literal=True)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text, found",
    [
        ("Lampe für den Schreibtisch", ["lamp"]),  # not the others with "für", "den"
        ("Schuhe für Herren", ["shoes"]),
        ("Jacken", ["jacket"]),
        ("Kopfhörer", ["headphones"]),
        ("für den", []),
    ],
)
def test_german_words_have_german_stems_and_stop_words(text, found):
    catalogue("german", GERMAN)

    assert skus(text) == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text, found",
    [
        ("chaussure homme", ["shoe"]),
        ("écouteurs", ["earphones"]),
        ("frigo", ["fridge"]),
        ("pour la", []),
    ],
)
def test_french_words_have_french_stems_and_stop_words(text, found):
    catalogue("french", FRENCH)

    assert skus(text) == found


@pytest.mark.django_db
def test_a_result_shows_its_words_as_the_german_text_writes_them():
    catalogue("german", GERMAN)

    [hit] = search("Schuhe für Herren", Filters(), mode="keyword")

    assert hit.words == ("Schuh", "Herr")
    assert [term.word for term in query_terms("Jacken", using="default")] == ["Jacken"]


@pytest.mark.django_db
def test_a_half_typed_word_is_read_in_the_language_of_the_catalogue():
    catalogue("german", GERMAN)

    assert [product.sku for product in named_like(["jacken"])] == ["jacket"]


@pytest.mark.django_db
def test_a_product_that_sql_writes_has_words_of_the_new_language():
    catalogue("german", {})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO products (sku, name, category, description, price)"
            " VALUES ('coats', 'Mäntel', '', '', 1)"
        )

    assert skus("Mäntel") == ["coats"]
    assert current_language("default") == "german"


@pytest.mark.django_db
def test_another_language_is_one_command_with_progress(capsys):
    make_product(sku="jacket", name="Jacke")
    assert skus("Jacken") == []

    call_command("set_language", "german")

    assert skus("Jacken") == ["jacket"]
    assert "The words of all products are german now: 1." in capsys.readouterr().out
    call_command("set_language", "german")
    assert "german already" in capsys.readouterr().out


def is_indexed():
    return is_usable(configured_kind(), using="default")


@pytest.mark.django_db(transaction=True)
def test_the_index_of_the_vectors_is_built_afterwards_when_asked():
    make_product(sku="jacket", name="Jacke")
    indexed = []

    def note(count):
        indexed.append(is_indexed())

    def fail(count):
        raise ZeroDivisionError

    try:
        change_language("german", using="default", progress=note, rebuild_index=True)
        assert (indexed, is_indexed()) == ([False], True)
        assert skus("Jacken") == ["jacket"]
    finally:
        change_language("english", using="default", progress=note)
    assert indexed == [False, True]

    with pytest.raises(ZeroDivisionError):
        change_language("german", using="default", progress=fail, rebuild_index=True)

    assert is_indexed()
    assert current_language("default") == "english"


@pytest.mark.django_db
def test_progress_counts_every_product(monkeypatch):
    monkeypatch.setattr("products.upkeep.language.ROWS", 2)
    for _ in range(5):
        make_product()
    Product.objects.first().delete()  # a gap between the ids
    steps = []

    change_language("german", using="default", progress=steps.append)

    assert steps == [2, 2]


@pytest.mark.django_db
def test_an_unknown_language_changes_nothing():
    with pytest.raises(
        CommandError, match=r"'klingon'. Choose one of .*german.*simple"
    ):
        call_command("set_language", "klingon")

    assert current_language("default") == "english"


@pytest.mark.django_db
def test_a_new_database_begins_with_the_language_of_the_settings(settings):
    settings.CATALOG_LANGUAGE = "french"
    migration = import_module("products.migrations.0008_words")

    migration.begin_with_setting(None, connection.schema_editor())

    assert current_language("default") == "french"


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_was_planned_before_reads_words_in_the_new_language():
    make_product(name="Jacke Rot")
    # PostgreSQL may keep one plan for all parameters from the sixth time on.
    for number in range(7):
        [hit] = search(f"Jacken rot {number}", mode="keyword", literal=True)
        assert hit.words == ("Rot",)

    change_language("german", using="default", progress=lambda count: None)

    try:
        [hit] = search("Jacken rot 8", mode="keyword")
        assert hit.words == ("Jacke", "Rot")
    finally:
        change_language("english", using="default", progress=lambda count: None)
