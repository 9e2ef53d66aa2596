"""The lab's way to serve: the approach the shop began with, as a second baseline.

Each request opens a connection, reads all products for the list to choose from,
fetches the chosen one's vector and sends it back to order by. Only the approach: the
page is plain, and nothing but psycopg and the template engine stands behind it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import psycopg
from django.template import Context, Engine

PAGE = """<!doctype html>
<title>Similar products</title>
<form><select name="product">{% for id, name in products %}
<option value="{{ id }}">{{ name }}</option>{% endfor %}
</select><button>Find similar</button></form>
<h1>{{ chosen }}</h1>
<table>{% for name, category, price, distance in similar %}
<tr><td>{{ name }}<td>{{ category }}<td>{{ price }}<td>{{ distance }}</tr>{% endfor %}
</table>
"""
TEMPLATE = Engine().from_string(PAGE)
CONNECTION = json.loads(os.environ.get("LAB_CONNECTION", "{}"))


def page(pk: int) -> str:
    """Return the page of one product."""
    with psycopg.connect(**CONNECTION) as connection:
        products = connection.execute("SELECT id, name FROM products ORDER BY name")
        context: dict[str, Any] = {"products": products.fetchall()}
        [chosen] = connection.execute(
            "SELECT name, embedding::text FROM products WHERE id = %s", [pk]
        )
        context["chosen"], vector = chosen
        similar = connection.execute(
            "SELECT name, category, price, embedding <=> %s::vector AS distance "
            "FROM products WHERE id <> %s ORDER BY distance LIMIT 5",
            [vector, pk],
        )
        context["similar"] = similar.fetchall()
    return TEMPLATE.render(Context(context, use_l10n=False))


def application(
    environ: dict[str, Any], start_response: Callable[..., object]
) -> Iterable[bytes]:
    """Answer /similar/?product=ID, and anything else with an empty page."""
    chosen = parse_qs(environ["QUERY_STRING"]).get("product")
    body = page(int(chosen[0])).encode() if chosen else b""
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    start_response("200 OK", headers)
    return [body]
