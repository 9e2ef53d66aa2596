"""What searches find now, and what they would find with other synonyms."""

import pytest

from products.insight.before_after import preview
from products.models import Product, Synonym
from products.search.synonyms import Entry

pytestmark = pytest.mark.django_db


def sell(*names):
    for name in names:
        Product(name=name, price=1).save()


def shown(result):
    return {
        word.word: (word.now.count, word.then.count, word.changes)
        for word in result.words
    }


def test_a_word_finds_its_synonyms_then():
    sell("Red sofa", "Blue sofa", "Couch", "Lamp")

    result = preview([Entry(["couch", "sofa"])])

    assert shown(result) == {
        "couch": ("1 product", "3 products", True),
        "sofa": ("2 products", "3 products", True),
    }
    couch = result.words[0]
    assert couch.now.products[0].name == couch.then.products[0].name == "Couch"
    assert {p.name for p in couch.then.products[:3]} == {
        "Couch",
        "Red sofa",
        "Blue sofa",
    }
    assert not Synonym.objects.exists()


def test_one_way_shows_the_left_side_only():
    sell("Television")

    assert shown(preview([Entry(["tv"], ["television"])])) == {
        "tv": ("No products found", "1 product", True)
    }


def test_a_changed_entry_stands_in_place_of_the_old_one():
    sell("Sofa", "Lamp")
    old = Synonym(words=["couch", "sofa"])
    old.save()

    result = preview([Entry(["couch", "lamp"])], replaced=old.pk)

    assert shown(result) == {
        "couch": ("1 product", "1 product", True),  # another one
        "lamp": ("1 product", "1 product", False),
        "sofa": ("1 product", "1 product", False),
    }


def test_at_most_five_words_are_searched_for():
    result = preview([Entry([f"word{n}" for n in range(7)])])

    assert (len(result.words), result.left_out) == (5, 2)


def test_a_word_of_no_product_is_not_corrected_in_the_preview():
    sell("Settle")

    assert (
        shown(preview([Entry(["settee", "sofa"])]))["settee"][0] == "No products found"
    )
