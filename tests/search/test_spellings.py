"""Which spellings of a query find which spellings of a product."""

import pytest
from django.db import connection

from products.models import Product
from products.search import search
from products.search.words import query_terms
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def finds(query, text, **fields):
    """Whether a product with this name has every word of a query."""
    Product.objects.all().delete()
    make_product(name=text, embedding=None, **({"sku": "none"} | fields))
    terms = [term.quoted for term in query_terms(query, using="default")]
    return Product.objects.matching(terms, every=True).exists()


FOUND = {
    # Marks join words, and part them.
    "Adapter HDMI/DVI": ["hdmi", "dvi", "HDMI/DVI", "hdmi dvi", "hdmidvi"],
    "Men/Women socks": ["men", "women"],
    "Course on Node.js": ["node.js", "nodejs", "node js", "node"],
    "Wi-Fi router": ["wi-fi", "wifi", "wi fi", "Wi‑Fi", "WiFi router"],
    "WiFi router": ["wi-fi", "wifi", "wi fi"],
    "Wifi router": ["wi-fi", "wifi"],
    "Noise cancelling": ["noise-cancelling", "noise-canceling"],
    "Polo by O'Neill": ["o'neill", "oneill", "O’Neill", "neill"],
    "Snake_case tool": ["snake_case", "snakecase", "case"],
    "AT&T phone": ["at&t", "att"],
    "T-shirt": ["tshirt", "t-shirt", "t shirt", "shirt"],
    "Men's shoes": ["mens shoes", "men", "men’s"],
    "Shirt S/M": ["m", "s/m", "sm"],
    "Adapter 12V/24V": ["12v", "24v", "12 V", "12v/24v", "24v 12v"],
    "C++ for all": ["c++", "c"],
    "C# for all": ["c#"],
    "Galaxy S10+ case": ["s10+", "s10 plus", "s10"],
    "PlayStation 5": [
        "playstation",
        "play station",
        "play-station",
        "PlayStation 5",
    ],
    # Model numbers and skus.
    "AA-100MM": ["aa-100", "AA100MM", "aa-100mm", "100mm", "aa 100", "aa100"],
    "DS-7608NI": ["ds-7608", "7608ni", "DS7608NI", "ds 7608", "7608", "ds7608"],
    "XPS 13": ["xps13", "xps-13", "XPS 13"],
    "XPS13": ["xps13", "xps 13", "13"],
    # A number and its unit.
    "Stick 16GB": ["16gb", "16 GB", "16-gb", "16 gb stick", "16"],
    "Stick 16 GB": ["16gb", "16 GB", "16"],
    "Cable, 3 m": ["3m", "3 m", "3 M cable"],
    "Cable 3m": ["3m", "3 m"],
    "Display 17,3 Zoll": ['17,3"', "17.3 inch", "17.3-inch", "17,3 zoll", "17.3 in"],
    'Display 17.3"': ["17,3 zoll", "17.3inch", '17.3"', "17,3″"],
    "Screw 12 mm": ["12mm", "12 mm"],
    "Bottle 1,5 l": ["1.5l", "1.5 l", "1,5 L"],
    "Tray of 1,000": ["1000", "1,000"],
    "Pipe 1/2 in.": ['1/2"', "½ inch", "1/2 in", "1/2-in"],
    # Sizes.
    "Plywood 4x8": ["4x8", "4 x 8", "4×8", "4X8 ft", "4", "8"],
    "Plywood 4 x 8": ["4x8", "4×8 ft"],
    "Plywood 4×8 ft": ["4x8", "4 ft. x 8 ft."],
    "Plywood 4 ft. x 8 ft.": ["4x8", "4'x8'", "4 ft", "8ft", "4 feet"],
    "Beam 2 in. x 4 in. x 8 ft.": ["2x4", "4x8", "2x4x8", "2 x 4"],
    # Accents, ligatures and forms of Unicode.
    "Œuf dur": ["oeuf", "œuf", "OEUF"],
    "Crème brûlée": ["creme", "crème", "brulee", "cre\u0300me"],
    "Cre\u0300me": ["crème", "creme"],
    "Straße": ["strasse", "straße", "STRASSE"],
    "Smørrebrød æble Łódź": ["smorrebrod", "aeble", "lodz", "Łódź"],
    "\ufb01ne ４Ｋ": ["fine", "4k"],
    "Sony™ Walkman®": ["sony", "walkman"],
    "Soft\u00adware": ["software"],
    # Ordinary words are stemmed.
    "Running shoes": ["run shoe", "shoes"],
}


@pytest.mark.parametrize(
    ("text", "query"),
    [(text, query) for text, queries in FOUND.items() for query in queries],
)
def test_a_spelling_finds_another(text, query):
    assert finds(query, text)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Display 13.3 Zoll", "17,3 zoll"),
        ("Display 17 inch, 3 ports", '17,3"'),
        ("Stick 8GB, 16 files", "16 gb"),
        ("Cable 30 m", "3m"),
        ("Plywood 8x4", "4x8"),
        ("Plywood 14x80", "4x8"),
        ("Beam 2x4x8", "2x8"),
        ("DS-7608NI", "DS-7604"),
        ("DS-7608", "DS-7608NI"),
        ("PS 4 Pro", "ps5"),
        ("Hub, 4 ports for PS", "ps4"),
        ("Fi and wi", "wi-fi"),
        ("C++", "c#"),
        ("Bottle 15 l", "1.5 l"),
        ("Sizes 8,10,12", "8.10"),
    ],
)
def test_another_thing_is_not_found(text, query):
    assert not finds(query, text)


@pytest.mark.parametrize(
    "query", ["AA-100MM", "aa-100mm", "aa100mm", "aa-100", "100mm"]
)
def test_a_sku_is_found_by_its_parts(query):
    assert finds(query, "Lamp", sku="AA-100MM")


@pytest.mark.parametrize("field", ["category", "description"])
def test_every_text_is_read_alike(field):
    assert finds("wifi 16 gb", "Lamp", **{field: "Wi-Fi, 16GB"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("wi-fi", [("wifi", "('wifi' | 'wi' <-> 'fi')")]),
        ("16 GB", [("16gb", "'16gb'")]),
        ("4 ft x 8 ft", [("4x8", "'4x8'")]),
        ("hdmi/dvi", [("hdmi", "'hdmi'"), ("dvi", "'dvi'")]),
        ("t-shirt", [("tshirt", "'tshirt'"), ("shirt", "'shirt'")]),
        ("wifi wi-fi", [("wifi", "('wifi' | 'wi' <-> 'fi')")]),
        ("lamps", [("lamp", "'lamp'")]),
    ],
)
def test_a_word_with_parts_is_one_wish(query, expected):
    terms = query_terms(query, using="default")

    assert [(term.lexeme, term.quoted) for term in terms] == expected


def test_the_exact_model_comes_before_its_siblings():
    for name in ("Recorder DS-7608NI", "Recorder DS-7608X", "Recorder DS-7608"):
        make_product(name=name, embedding=None)

    names = [hit.product.name for hit in search("DS-7608", mode="keyword")]

    assert names[0] == "Recorder DS-7608"
    assert len(names) == 3


def test_a_joined_name_scores_as_much_as_a_plain_one():
    for name in ("Router Wifi", "Router Wi-Fi"):
        make_product(name=name, embedding=None)

    hits = search("wifi", mode="keyword").hits

    assert [hit.product.name for hit in hits] == ["Router Wifi", "Router Wi-Fi"]
    assert min(hit.score for hit in hits) > 1  # more than having the word


def test_a_text_changed_by_sql_is_read_anew():
    product = make_product(name="Lamp", embedding=None)

    with connection.cursor() as cursor:
        cursor.execute("UPDATE products SET name = 'Wi-Fi' WHERE id = %s", [product.pk])

    assert [hit.pk for hit in search("wifi", mode="keyword")] == [product.pk]
    assert Product.objects.get().text_hash != product.text_hash


def test_words_are_the_same_whatever_schema_is_searched():
    """As while a dump is restored, which looks for functions in no schema."""
    product = make_product(name="Lamp", embedding=None)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path TO ''")
        cursor.execute(
            "UPDATE public.products SET name = '16 GB' WHERE id = %s", [product.pk]
        )
        cursor.execute("SET LOCAL search_path TO public")

    assert [hit.pk for hit in search("16gb", mode="keyword")] == [product.pk]
