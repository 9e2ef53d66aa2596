"""What is asked: the pages, and the SQL that each of them runs."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.core.cache import caches
from django.db import connection
from django.db.models import Count, Max, Min
from django.test import Client
from django.test.utils import CaptureQueriesContext

from products.models import Product
from serving.queries import made_of

PAGES = 50  # different pages of a scenario whose SQL is not the same for all
PRODUCTS = 20_000  # different products whose pages are asked for
PARTS = 4  # of the cold texts: three rounds of each server, and this process
SIMILAR, DETAIL = "similar page", "product page"
SIMILAR_JSON = "similar as JSON"
OF_FASTAPI = (SIMILAR, DETAIL, SIMILAR_JSON)  # which it has as well


@dataclass(frozen=True)
class Scenario:
    """A kind of page.

    sql: the statements of a page, for each page that has its own; `:id` stands for any
    of *ids*, from the first to the last. cold: no server is asked for a text twice, so
    that each is embedded; the statements are those of other texts.
    """

    name: str
    urls: list[str]
    sql: list[list[str]]
    ids: tuple[int, int] | None = None
    cold: bool = False

    def part(self, number: int) -> list[str]:
        """Return the addresses to ask for: all, or those of a part of the cold texts."""
        return self.urls[number::PARTS] if self.cold else self.urls


def scenarios(queries: list[str], seed: int = 1) -> list[Scenario]:
    """Return the scenarios, over products that are chosen at random."""
    chance = random.Random(seed)
    known = ids()
    asked = [chance.randint(*known) for _ in range(PRODUCTS)]
    warm = of_these("hybrid search, warm", [text_url(text) for text in queries])
    cold = [text_url(text) for text in made_of(queries, chance)]
    return [
        of_any_product(SIMILAR, "/similar/?product={}", asked, known),
        of_these(
            "similar, same category",
            [f"/similar/?product={pk}&same_category=on" for pk in asked[:PAGES]],
        ),
        warm,
        Scenario("hybrid search, cold", cold, warm.sql, cold=True),
        of_these("home page", ["/"]),
        of_these("catalogue page", [f"/?page={number}" for number in range(1, 11)]),
        of_any_product(DETAIL, "/products/{}/", asked, known),
        similar_as_json(asked),
    ]


def ids() -> tuple[int, int]:
    """Return the first and the last id; all between them belong to products."""
    found = Product.objects.embedded().aggregate(
        first=Min("pk"), last=Max("pk"), count=Count("pk")
    )
    first, last = found["first"], found["last"]
    if last - first + 1 != found["count"]:
        raise RuntimeError("The ids have gaps. Make the catalogue anew: --rebuild.")
    return first, last


def of_any_product(
    name: str, url: str, asked: list[int], known: tuple[int, int]
) -> Scenario:
    """Return the scenario of a page whose SQL is the same for each product."""
    urls = [url.format(pk) for pk in asked]
    sql = [for_any_id(statement, asked[0]) for statement in statements(urls[0])]
    return Scenario(name, urls, [sql], known)


def similar_as_json(asked: list[int]) -> Scenario:
    """Return the scenario of what is like a product by the API, which knows skus."""
    skus = dict(Product.objects.filter(pk__in=asked).values_list("pk", "sku"))
    urls = [f"/api/v1/products/{quote(skus[pk], safe='')}/similar" for pk in asked]
    return Scenario(SIMILAR_JSON, urls, [statements(url) for url in urls[:PAGES]])


def for_any_id(statement: str, pk: int) -> str:
    """Return the statement about a product with `:id` in place of its id."""
    return re.sub(rf"= {pk}\b", "= :id", statement)


def of_these(name: str, urls: list[str]) -> Scenario:
    """Return the scenario of pages that have SQL of their own."""
    return Scenario(name, urls, [statements(url) for url in urls])


def text_url(text: str) -> str:
    return f"/?{urlencode({'q': text})}"


def statements(url: str) -> list[str]:
    """Return the SQL that a page runs when its text was embedded before."""
    client = Client(headers={"host": "localhost"})
    client.get(url)
    caches["pages"].clear()  # which would answer without a statement
    with CaptureQueriesContext(connection) as captured:
        check(client.get(url).status_code, url)
    return [query["sql"] for query in captured]


def check(status: int, url: str) -> None:
    if status != 200:
        raise RuntimeError(f"{url} answered {status}, not 200.")
