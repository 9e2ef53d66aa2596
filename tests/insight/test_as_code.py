"""Each tab of "Why these results" runs as it stands, and finds the page's products."""

import io
import shlex
from contextlib import redirect_stdout

import pytest
from django.core.management import call_command
from django.db import connection

from products.forms import SearchForm
from products.insight.as_code import (
    as_arguments,
    as_curl,
    as_python,
    for_powershell,
    for_shell,
)
from products.insight.as_sql import rounded_vector
from products.insight.explanation import explain
from products.models import Product
from products.search.nearest import plan_nearest
from products.search.steps import Step

pytestmark = pytest.mark.django_db

TRICKY = """O'Brien's "5% \\ off" Lämpchen"""


@pytest.fixture
def shop():
    Product(name=TRICKY, sku="it's-5%", category="Möbel's", price=15).save()
    for n in range(1, 5):
        Product(
            name=f"Lamp {n}", sku=f"lamp-{n}", category="Light", price=10 * n
        ).save()


QUESTIONS = [
    "",
    "q=Lamp",
    "q=Lamp&mode=semantic",
    "q=Lamp&mode=keyword&max_price=20.50",
    "q=Lamp&literal=Lamp",
    "q=O%27Brien%27s+%225%25+%5C+off%22+L%C3%A4mpchen",
    "q=-Brien+Lamp",
    "q=-Brien",
    "q=Lamp&category=Light&category=M%C3%B6bel%27s&min_price=15",
    "sort=-price",
    "page=2",
    "like={0}",
    "like={0}&category=Light",
    "like={0}&like={1}&unlike={2}",
    "unlike={2}",
    "like={0}&diversity=0.6",
    "q=Lamp&like={1}",
]


@pytest.fixture(params=QUESTIONS)
def page(request, client, shop):
    """The address of a question, its skus in order, and the arguments of search()."""
    pks = Product.objects.order_by("pk").values_list("pk", flat=True)
    address = "/lab/why/?" + request.param.format(*pks)
    context = client.get(address + "&min_price=0").context
    asked = context["form"].question()
    skus = [hit.product.sku for hit in context["results"]]
    assert skus
    return address, skus, asked


def test_the_python_lists_the_products_of_the_page(page):
    _, skus, asked = page
    names = {}

    with redirect_stdout(io.StringIO()):
        exec(as_python(asked), names)

    assert [hit.product.sku for hit in names["results"]] == skus


def test_the_command_lists_the_products_of_the_page(page, capsys):
    _, skus, asked = page
    python, manage, *arguments = shlex.split(for_shell(as_arguments(asked)))

    call_command(*arguments)

    lines = capsys.readouterr().out.splitlines()[1:-1]
    assert (python, manage) == (".venv/bin/python", "manage.py")
    assert [line.rpartition(" (")[2].rstrip(")") for line in lines] == skus


def test_curl_asks_the_api_for_the_products_of_the_page(page, client):
    address, skus, _ = page
    shown = client.get(address + "&min_price=0").context["curl"]

    program, silent, url, *rest = shlex.split(shown)

    assert (program, silent) == ("curl", "--silent")
    assert url.startswith("http://testserver/api/v1/search")
    if rest:
        dash_h, header, binary, body = rest
        assert (dash_h, binary) == ("-H", "--data-binary")
        assert header == "Content-Type: application/json"
        found = client.post(url, body, content_type="application/json").json()
    else:
        found = client.get(url.removeprefix("http://testserver")).json()
    assert [hit["product"]["sku"] for hit in found["hits"]] == skus


def rows(text):
    """The rows of what psql would run, in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


def test_the_sql_finds_the_products_of_the_page(page):
    _, skus, asked = page
    by_id = dict(Product.objects.values_list("pk", "sku"))

    explanation = explain(asked)

    statements = [*explanation.others, *explanation.main]
    found = {s.step: [row[0] for row in rows(s.text)] for s in statements}
    every = [by_id.get(pk) for step in found for pk in found[step]]
    assert {*skus} <= {*every}
    results = explanation.results
    if results.mode in ("listing", "similar", "semantic") and not asked["diversity"]:
        own = {product.pk for product in asked["like"]}
        step = Step.LISTING if results.mode == "listing" else Step.NEAREST
        in_sql = [by_id[pk] for pk in found[step] if pk not in own]
        # The shop leaves out what is too far away from a text.
        assert in_sql[: len(skus)] == skus
        assert in_sql[len(skus) :] == (
            ["it's-5%"] if results.mode == "semantic" else []
        )
    by_meaning = {h.hit.semantic_rank: h.hit.pk for h in explanation.hits}
    by_meaning.pop(None, None)
    in_order = [by_meaning[rank] for rank in sorted(by_meaning)]
    nearest = found.get(Step.NEAREST, [])
    assert [pk for pk in nearest if pk in in_order] == in_order


def test_every_statement_runs_once_more(page):
    explanation = explain(page[2])

    for statement in [*explanation.others, *explanation.main]:
        assert statement.text.endswith(";")
        assert "%s" not in statement.text
        rows(statement.text)


def test_settings_stand_in_the_transaction_of_what_they_are_for(shop, monkeypatch):
    monkeypatch.setattr(plan_nearest, "__kwdefaults__", {"bound": 1})
    asked = SearchForm({"q": "Lamp", "max_price": "30"})
    assert asked.is_valid()

    [statement] = explain(asked.question()).main

    first, *_, last = statement.text.splitlines()
    assert (first, last) == ("BEGIN;", "COMMIT;")
    assert statement.text.count("SET LOCAL hnsw.") == 3
    inside = statement.text.removeprefix("BEGIN;").removesuffix("COMMIT;")
    with connection.cursor() as cursor:
        cursor.execute(inside)


def test_a_vector_is_written_with_six_decimals():
    numbers = [0.1, -1 / 3, 1e-9, *[0.0] * 381]

    assert rounded_vector(str(numbers)).startswith("[0.1,-0.333333,0,0,")
    assert rounded_vector("[0.12345678]") == "[0.12345678]"


def test_quotes_are_doubled_in_powershell():
    assert for_powershell(["search", "it's 5%", "--limit=24"]) == (
        ".venv\\Scripts\\python manage.py search 'it''s 5%' --limit=24"
    )


def test_an_address_is_quoted_for_the_shell():
    form = SearchForm({"q": "it's", "min_price": "2", "page": "2", "literal": "it's"})
    assert form.is_valid()

    assert as_curl(form.question(), "http://shop/search") == (
        "curl --silent 'http://shop/search?q=it%27s&min_price=2&literal=true'"
    )
