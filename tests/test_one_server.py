"""A shop of one server and one process: none of the settings for more costs it a thing."""

import pytest
from django.conf import settings
from django.db import connections
from django.test.utils import CaptureQueriesContext

from products.search.rank import NEAREST_CANDIDATES
from tests.factory import axis, make_product

# What a statement is for, and what it alone has in its text.
KINDS = {
    "how many products": "SELECT COUNT(*) FROM (SELECT",
    "the cards of a page": 'ORDER BY "products"."name" ASC, "products"."id" ASC LIMIT 24',
    "categories": 'COUNT("products"."id") AS "count" FROM "products" GROUP BY 1',
    "prices": 'MIN("products"."price")',
    "the words of a text": "products_terms(catalog_language(), 'red hat'",
    "products with a word": "DESC, ts_rank(",
    "the nearest products": "ORDER BY 6 ASC, 1 ASC LIMIT 51",
    "the product of a sku": 'WHERE UPPER("products"."sku"::text) = UPPER(',
    "the products found": 'WHERE ("products"."id" = ANY(',
    "the recipe": 'FROM "products_recipe"',
    "a product and those like it": "UNION ALL",
}


@pytest.fixture
def hat(db):
    """One of a page and more of red hats, enough for the index to be asked."""
    hats = [
        make_product(sku=f"hat-{number}", name="Red hat", embedding=axis(number))
        for number in range(2 + NEAREST_CANDIDATES)
    ]
    return hats[0]


def kinds(client, url):
    """Return what each statement of a page is for, when it is asked for once more."""
    client.get(url)
    with CaptureQueriesContext(connections["default"]) as statements:
        assert client.get(url).status_code == 200
    return [
        [kind for kind, words in KINDS.items() if words in statement["sql"]]
        for statement in statements
    ]


def test_there_is_one_database_and_nobody_who_chooses():
    assert list(connections) == ["default"]
    assert settings.DATABASE_ROUTERS == []
    assert not [name for name in settings.MIDDLEWARE if "replica" in name.lower()]
    assert settings.CACHES["default"]["BACKEND"].endswith(".LocMemCache")
    assert settings.UPLOAD_DIR is None


@pytest.mark.usefixtures("same_connection")
@pytest.mark.parametrize(
    ("url", "statements"),
    [
        ("/", ["how many products", "the cards of a page", "categories", "prices"]),
        (
            "/?q=red+hat",
            [
                "the words of a text",
                "products with a word",
                "the nearest products",
                "the product of a sku",
                "the products found",
                "the recipe",
                "prices",
            ],
        ),
        ("/similar/?product={}", ["a product and those like it"]),
        ("/products/{}/", ["a product and those like it"]),
    ],
    ids=["home", "hybrid", "similar", "product"],
)
def test_a_page_takes_these_statements_and_no_other(client, hat, url, statements):
    assert kinds(client, url.format(hat.pk)) == [[kind] for kind in statements]
