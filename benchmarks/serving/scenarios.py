"""What is asked: the pages, and the SQL that each of them runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection
from django.db.models.functions import Length
from django.test import Client
from django.test.utils import CaptureQueriesContext

from products.models import Product

PAGES = 50  # different pages of a scenario; each has its own SQL
COLD_TEXTS = 20_000  # more than are asked in one measurement


@dataclass(frozen=True)
class Scenario:
    """A kind of page. *cold*: no text is asked twice, so that each is embedded."""

    name: str
    urls: list[str]
    cold: bool = False


def scenarios(seed: int = 1) -> list[Scenario]:
    """Return the scenarios, over products that are chosen at random."""
    chance = random.Random(seed)
    ids = list(Product.objects.embedded().order_by("pk").values_list("pk", flat=True))
    chosen = [chance.choice(ids) for _ in range(PAGES)]
    words = catalogue_words()
    texts = [" ".join(chance.sample(words, 2)) for _ in range(COLD_TEXTS)]
    return [
        Scenario("similar page", [f"/similar/?product={pk}" for pk in chosen]),
        Scenario(
            "similar, same category",
            [f"/products/{pk}/?same_category=on" for pk in chosen],
        ),
        Scenario("hybrid search, warm", [text_url(text) for text in texts[:PAGES]]),
        Scenario(
            "hybrid search, cold", [text_url(t) for t in texts[PAGES:]], cold=True
        ),
        Scenario("catalogue page", [f"/?page={number}" for number in range(1, 11)]),
        Scenario("product page", [f"/products/{pk}/" for pk in chosen]),
    ]


def text_url(text: str) -> str:
    return f"/?{urlencode({'q': text})}"


def catalogue_words() -> list[str]:
    """Return words that stand in the names of products."""
    names = Product.objects.order_by(Length("name"), "pk").values_list(
        "name", flat=True
    )
    words = {word.lower() for name in names[:2000] for word in name.split()}
    return sorted(word for word in words if word.isalpha() and len(word) > 2)


def statements(url: str) -> list[str]:
    """Return the SQL that a page runs when its text was embedded before."""
    client = Client(headers={"host": "localhost"})
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        check(client.get(url).status_code, url)
    return [query["sql"] for query in captured]


def check(status: int, url: str) -> None:
    if status != 200:
        raise RuntimeError(f"{url} answered {status}, not 200.")


def get_all(scenario: Scenario) -> Callable[[int], None]:
    """Return what asks for the nth page of a scenario through the test client."""
    client = Client(headers={"host": "localhost"})
    urls = scenario.urls

    def ask(number: int) -> None:
        if scenario.cold:
            cache.clear()
        url = urls[number % len(urls)]
        check(client.get(url).status_code, url)

    return ask
