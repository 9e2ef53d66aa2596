"""What is measured in this process, without a server: the SQL, the view, a query."""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from django.db import connection, reset_queries
from django.test import Client

from products.embeddings import get_backend
from products.models import Product
from serving.scenarios import Scenario, check

LISTED = 5


def bare_sql(scenario: Scenario) -> Callable[[int], None]:
    """Return what runs the statements of a page, and nothing else."""
    connection.ensure_connection()
    chance = random.Random(2)

    def run(number: int) -> None:
        pk = str(chance.randint(*scenario.ids)) if scenario.ids else ""
        with connection.connection.cursor() as cursor:
            for statement in scenario.sql[number % len(scenario.sql)]:
                cursor.execute(statement.replace(":id", pk) if pk else statement)
                if cursor.description:
                    cursor.fetchall()

    return run


def view(urls: list[str]) -> Callable[[int], None]:
    """Return what asks for the nth page through the test client."""
    client = Client(headers={"host": "localhost"})

    def ask(number: int) -> None:
        url = urls[number % len(urls)]
        check(client.get(url).status_code, url)

    return ask


def queryset() -> Callable[[int], None]:
    """Return what finds the products like a random one, and makes them."""
    ids = list(Product.objects.embedded().order_by("pk").values_list("pk", flat=True))
    chance = random.Random(3)
    products = list(
        Product.objects.filter(pk__in=chance.sample(ids, min(50, len(ids))))
    )

    def find(number: int) -> None:
        chosen = products[number % len(products)]
        list(Product.objects.for_display().similar_to(chosen)[:LISTED])
        reset_queries()

    return find


def one_embedding(urls: list[str]) -> Callable[[int], object]:
    """Return what embeds the text of the nth page."""
    texts = [parse_qs(urlsplit(url).query)["q"][0] for url in urls]
    backend = get_backend()
    return lambda number: backend.embed([texts[number % len(texts)]])
