"""Synonyms in a search: what they find, how they count, and when they are read."""

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction

from products import synonyms as table
from products.models import Product, Synonym
from products.search import search, synonyms, words
from products.search.scores import SYNONYM_WEIGHT, inverse_document_frequency
from products.search.synonym_entries import Entry, check, split_words, wordings
from products.search.synonyms import MAX_ALTERNATIVES, thesaurus, with_synonyms
from products.search.words import Stem, query_terms
from products.upkeep.language import change_language

pytestmark = pytest.mark.django_db

SOFA = Entry(["sofa", "couch", "settee"])
TV = Entry(["tv"], ["television"])
USB = Entry(["charger"], ["usb-c cable"])
USB_CABLES = {"USB-C cable", "Long USB C cable", "USBC cables"}
PHONE = Entry(["cell phone", "mobile"])


def sell(*names, **kwargs):
    Product.objects.bulk_create(
        # Without blanks, or the sku's words would be words of the text.
        Product(sku=name.replace(" ", ""), name=name, price=1, **kwargs)
        for name in names
    )


def found(text, *entries, **options):
    """The names that a search by words finds with these synonyms, best first."""
    given = thesaurus(entries, using="default")
    return [hit.product.name for hit in search(text, synonyms=given, **options)]


def by_words(text, *entries, **options):
    return found(text, *entries, mode="keyword", **options)


@pytest.mark.parametrize(
    ("entries", "text", "expected"),
    [
        ([], "couch", {"Couch"}),
        ([SOFA], "couch", {"Couch", "Red sofa"}),
        ([SOFA], "sofas", {"Couch", "Red sofa"}),
        ([SOFA], "SETTEES", {"Couch", "Red sofa"}),
        ([TV], "tv", {"TV stand", "Television"}),
        ([TV], "television", {"Television"}),
        ([PHONE], "mobile", {"Mobile case", "Cell phone"}),
        ([PHONE], "cell phone", {"Mobile case", "Cell phone", "Phone cell"}),
        ([PHONE], "phone", {"Cell phone", "Phone cell"}),
        ([PHONE], "phone or cell", {"Cell phone", "Phone cell"}),
        ([PHONE], "new cell phones", {"Mobile case", "Cell phone", "Phone cell"}),
        ([TV, Entry(["television", "telly"])], "tv", {"TV stand", "Television"}),
        ([Entry(["hotdog"], ["couch"]), SOFA], "hotdog", {"Couch"}),
        ([Entry(["wi-fi"], ["tv"])], "wi-fi", {"TV stand", "Wi Fi router"}),
        ([Entry(["t-couch"], ["tv"])], "t-couch", {"TV stand", "Couch"}),
        ([USB], "charger", USB_CABLES),
        ([USB], "usb-c cable", USB_CABLES | {"Cable c usb"}),
        ([Entry(["charger"], ["wi-fi"])], "charger", {"Wi Fi router"}),
        ([Entry(["charger"], ["usb-c lamp"])], "charger", set()),
    ],
    ids=[
        "none stored",
        "both ways",
        "by the stem",
        "in capitals",
        "one way",
        "not the other way round",
        "a phrase in place of a word",
        "a word in place of a phrase",
        "a part of a phrase is not the phrase",
        "nor are its words in another order",
        "a phrase among others",
        "not the synonyms of synonyms",
        "a word that no product has",
        "a word with parts",
        "a word with a stop word for a part",
        "a joined word in a phrase",
        "the phrase itself",
        "a joined word in another spelling",
        "no phrase across words",
    ],
)
def test_a_search_finds_what_its_words_mean(entries, text, expected):
    sell("Couch", "Red sofa", "TV stand", "Television")
    sell("Mobile case", "Cell phone", "Phone cell", "Lamp")
    sell(*USB_CABLES, "Cable c usb", "Wi Fi router")

    assert set(by_words(text, *entries)) == expected


def test_a_longer_phrase_goes_before_a_shorter_one():
    sell("Sausage", "Puppy")
    entries = [Entry(["hot dog", "sausage"]), Entry(["dog", "puppy"])]

    assert by_words("hot dog", *entries) == ["Sausage"]
    assert by_words("dog", *entries) == ["Puppy"]


def test_words_of_two_entries_are_found_together():
    sell("Sofa", "Divan")

    assert len(by_words("couch", SOFA, Entry(["couch", "divan"]))) == 2


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_filters_leave_synonyms_in(mode):
    from products.search import Filters

    sell("Sofa", category="Home")
    sell("Settee", category="Garden")

    assert found("couch", SOFA, filters=Filters(("Home",)), mode=mode) == ["Sofa"]


def test_common_words_have_synonyms_too(monkeypatch):
    """With more products than are compared, each rule finds them."""
    monkeypatch.setattr("products.search.word_matches.COMMON", 2)
    sell("Red sofa", "Red couch", "Couch", "Settee", "Red lamp", "Red wide settee")

    assert set(by_words("red couch", SOFA)[:3]) == {
        "Red couch",
        "Red sofa",
        "Red wide settee",
    }
    assert set(by_words("couch", SOFA)) == {
        "Couch",
        "Settee",
        "Red sofa",
        "Red couch",
        "Red wide settee",
    }


# How they count


def matches(text, *entries):
    """The words and the score of each product found, by its name."""
    given = thesaurus(entries, using="default")
    return {
        hit.product.name: (hit.words, hit.score)
        for hit in search(text, mode="keyword", synonyms=given)
    }


def test_the_word_itself_comes_before_its_synonym():
    sell("Blue settee", "Blue couch", "Blue sofa")

    assert by_words("blue couch", SOFA)[0] == "Blue couch"


def test_a_word_and_its_synonyms_are_one_word_of_two():
    Product(sku="text", name="Bed", description="Sofa, couch, settee", price=1).save()

    assert matches("couch in oak", SOFA)["Bed"][1] == 1 / 2


@pytest.mark.parametrize(
    ("text", "name", "in_name"),
    [
        ("couch", "Sofa", True),
        ("couch", "Bed", False),
        ("mobile", "Cell phone", True),
        ("mobile", "Phone", False),  # a part of the phrase
    ],
)
def test_a_synonym_in_the_name_counts_as_a_word_there(text, name, in_name):
    Product(sku="1", name=name, description="Sofa, cell phone", price=1).save()

    score = matches(text, SOFA, PHONE)[name][1]

    assert (score > SYNONYM_WEIGHT) == in_name
    assert score >= SYNONYM_WEIGHT


def test_a_synonym_counts_less():
    Product(sku="text", name="Bed", description="A sofa", price=1).save()

    assert matches("couch", SOFA)["Bed"][1] == SYNONYM_WEIGHT


def test_a_product_with_the_synonym_of_a_phrase_has_all_its_words():
    Product(sku="text", name="Book", description="For a mobile", price=1).save()

    assert matches("cell phone", PHONE)["Book"] == (("mobile",), SYNONYM_WEIGHT)


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("couch", "Sofas and beds", ("Sofas",)),
        ("couch", "Couch or sofa", ("Couch",)),
        ("red couch", "Settee, red", ("red", "Settee")),
        ("mobile", "Cell phone", ("Cell", "phone")),
    ],
)
def test_a_hit_shows_the_words_that_it_has(text, name, shown):
    sell(name)

    assert set(matches(text, SOFA, PHONE)[name][0]) == set(shown)


def test_the_products_of_all_synonyms_decide_how_rare_a_word_is():
    sell("Sofa", "Red sofa", "Couch", "Lamp")
    terms = query_terms("settee lamp", using="default")

    settee, lamp = with_synonyms(
        terms, thesaurus([SOFA], using="default"), using="default"
    )[::-1]

    assert (settee.lexeme, settee.count) == ("sette", 3)
    assert settee.weight < lamp.weight == terms[0].weight
    assert settee.weight == inverse_document_frequency(3, 0)


def test_no_query_has_more_synonyms_than_a_number_has_bits():
    entries = [
        Entry([f"word{n}"], [f"other{n}x{k}" for k in range(20)]) for n in range(32)
    ]
    sell("other0x0", "word31")
    text = " ".join(f"word{n}" for n in range(32))

    terms = with_synonyms(
        query_terms(text, using="default"),
        thesaurus(entries, using="default"),
        using="default",
    )

    assert len(words.evidence_words(terms)) == 32 + MAX_ALTERNATIVES
    assert set(by_words(text, *entries)) == {"other0x0", "word31"}


@pytest.mark.parametrize(
    "word", ["o'neill", "c++", "a\\b", "a:b", "x & y", "Œuf", "(z)"]
)
def test_any_word_may_have_synonyms(word):
    sell("Lamp", word)

    assert "Lamp" in by_words(word, Entry([word, "lamp"]))
    assert by_words("lamp", Entry([word, "lamp"]))


# When they are read


def searched(text):
    return {hit.product.name for hit in search(text, mode="keyword")}


def test_without_synonyms_a_search_takes_no_statement_more():
    sell("Lamp")

    statements = search("lamp", mode="keyword").log.statements

    about = [sql for sql in statements if "products_synonym" in sql]
    assert len(about) == 1  # the one that also reads the words of the query
    assert "products_terms" in about[0]


def test_synonyms_are_read_once_a_minute():
    sell("Lamp", "Sofa")
    search("lamp", mode="keyword")  # and learns the stems of the words on the page
    Synonym(words=["sofa", "couch"]).save()
    before = len(search("lamp", mode="keyword").log.statements)

    after = len(search("lamp", mode="keyword").log.statements)
    cache.delete(table.key("default"))  # as the cache does after a minute
    later = len(search("lamp", mode="keyword").log.statements)

    assert after == before - 2  # the table, and how its words are folded
    assert later == after + 1  # the table, whose words are the same


@pytest.mark.parametrize("others", [0, 1])
def test_a_change_counts_at_once(others):
    sell("Sofa")
    Synonym.objects.bulk_create([Synonym(words=["tv", "telly"])] * others)
    found = [searched("couch")]
    entry = Synonym(words=["sofa", "couch"])

    entry.save()
    found.append(searched("couch"))
    entry.words = ["sofa", "settee"]
    entry.save()
    found += [searched("couch"), searched("settee")]
    Synonym.objects.filter(pk=entry.pk).delete()
    found.append(searched("settee"))

    assert found == [set(), {"Sofa"}, set(), {"Sofa"}, set()]
    assert Synonym.objects.count() == others


def test_a_thread_that_read_before_the_end_of_a_change_reads_again(
    django_capture_on_commit_callbacks,
):
    with django_capture_on_commit_callbacks() as callbacks:
        Synonym(words=["sofa", "couch"]).save()
    read = table.version("default")

    for callback in callbacks:
        callback()

    assert table.version("default") != read


def test_a_change_that_is_undone_does_not_stay():
    sell("Sofa")

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Synonym(words=["sofa", "couch"]).save()
        assert searched("couch") == {"Sofa"}
        raise ZeroDivisionError

    assert searched("couch") == set()


def test_a_change_elsewhere_counts_within_a_minute():
    sell("Sofa")
    assert searched("couch") == set()
    Synonym.objects.bulk_create([Synonym(words=["sofa", "couch"])])  # no signal

    assert searched("couch") == {"Sofa"}  # the statement saw the first one
    Synonym.objects.update(words=["sofa", "settee"])
    assert searched("couch") == {"Sofa"}
    cache.delete(table.key("default"))  # as the cache does after a minute

    assert searched("couch") == set()
    assert searched("settee") == {"Sofa"}


def test_synonyms_are_read_anew_in_another_language():
    sell("Jacke")
    Synonym(words=["Mantel", "Jacken"]).save()
    assert searched("Mantel") == set()

    change_language("german", using="default", progress=lambda count: None)
    cache.clear()

    assert searched("Mantel") == {"Jacke"}


def test_no_more_words_are_used_than_may_be_stored(monkeypatch):
    monkeypatch.setattr(synonyms, "MOST_WORDS", 4)
    sell("Sofa", "Lamp", "Telly")
    Synonym(words=["couch", "sofa"]).save()
    Synonym(words=["light"], finds=["lamp"]).save()
    Synonym(words=["tv", "telly"]).save()

    assert [searched(word) for word in ("couch", "light", "tv")] == [
        {"Sofa"},
        {"Lamp"},
        set(),
    ]


# What the staff types


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sofa, couch", ["sofa", "couch"]),
        ("  cell   phone ,mobile ", ["cell phone", "mobile"]),
        ("sofa,,couch", ["sofa", "", "couch"]),
        ("sofa,", ["sofa", ""]),
        (" ", []),
    ],
)
def test_words_stand_between_commas(text, expected):
    assert split_words(text) == expected


@pytest.mark.parametrize(
    ("words", "finds", "field", "message"),
    [
        (["sofa", ""], [], "words", "A word is missing: there is a comma too many."),
        (
            ["sofa", "Sofas"],
            [],
            "words",
            "“sofa” and “Sofas” are the same to the search. Leave one out.",
        ),
        (
            ["sofa"],
            [],
            "words",
            "Name at least two words, or what the word also finds.",
        ),
        ([], ["sofa"], "words", "Name at least one word."),
        (
            ["lamp"],
            ["torch", "Lamps"],
            "finds",
            "“Lamps” would find itself. Leave it out on one side.",
        ),
        (
            ["sofa", "the"],
            [],
            "words",
            "The search looks for no word of “the”. Name another one.",
        ),
        (
            [f"w{n}" for n in range(21)],
            [],
            "words",
            "At most 20 words can stand here; these are 21.",
        ),
        (
            ["sofa", "x" * 101],
            [],
            "words",
            f"A word has at most 100 characters; this one has more: {'x' * 30}…",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(words, finds, field, message):
    known = wordings([*words, *finds], "default")

    with pytest.raises(ValidationError) as error:
        check(Entry(words, finds), known)

    assert error.value.message_dict == {field: [message]}


def test_a_wording_keeps_the_distance_of_its_words():
    [wording] = wordings(["Bag of the Holding"], "default").values()

    assert wording.stems == (Stem("bag", 0), Stem("hold", 3))
    assert wording.quoted == "'bag' <3> 'hold'"


@pytest.mark.parametrize(
    ("text", "spellings"),
    [
        (
            "usb-c cable",
            ("'usbc' <-> 'cabl'", "'usb' <-> 'c' <-> 'cabl'"),
        ),
        ("XPS13 bag", ("'xps13' <-> 'bag'", "'xps' <-> '13' <-> 'bag'")),
        ("wi-fi", ("'wifi'", "'wi' <-> 'fi'")),
        ("t-shirt", ("'tshirt'",)),
        ("sofa bed", ("'sofa' <-> 'bed'",)),
    ],
)
def test_a_wording_has_each_spelling_of_a_text(text, spellings):
    assert wordings([text], "default")[text].spellings == spellings
