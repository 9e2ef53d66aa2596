"""What the ORM and planning add to the SQL of "similar to this product".

    .venv/bin/python benchmarks/similar.py

On 100,000 rows, in one run, alternating: the SQL itself, bare through psycopg on the
same connection; the QuerySet, which also makes the products; and search(), which also
plans and makes a page. Prints the median times and their ratio to the SQL's; ends with
status 1 where search(), which the pages and commands use, takes over twice as long. The
QuerySet alone does: Django writes its statement anew each time, search() once.
"""

from __future__ import annotations

import random
import statistics
import sys

from django.db import connections
from django.test.utils import CaptureQueriesContext
from large_catalogue import ALIAS, parser, say, use_large_catalogue

from products.models import Product
from products.quality.recall import timed
from products.search import search

COUNT = 10  # results a page
GOAL = 2.0


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--samples", type=int, default=300, help="Default 300.")
    chosen = options.parse_args()
    use_large_catalogue(rows=chosen.rows, rebuild=chosen.rebuild)
    products = Product.objects.using(ALIAS).for_display()
    ids = list(products.order_by("pk").values_list("pk", flat=True))
    asked = random.Random(2).sample(ids, chosen.samples)
    times: dict[str, list[float]] = {"SQL": [], "QuerySet": [], "search()": []}
    for product in products.in_bulk(asked).values():
        for name, milliseconds in compare(product).items():
            times[name].append(milliseconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        say(f"{name:10}{median:8.2f} ms  {median / medians['SQL']:.2f} times the SQL")
    sys.exit(medians["search()"] > GOAL * medians["SQL"])


def compare(product: Product) -> dict[str, float]:
    """Return the milliseconds of each way to ask for the products like one."""
    connection = connections[ALIAS]
    with CaptureQueriesContext(connection) as captured:  # also warms the cache
        whole(product)
    [statement] = [query["sql"] for query in captured]
    cursor = connection.connection.cursor()
    _, milliseconds = timed(lambda: cursor.execute(statement).fetchall())
    return {
        "SQL": milliseconds,
        "QuerySet": timed(lambda: list(queryset(product)))[1],
        "search()": timed(lambda: whole(product))[1],
    }


def queryset(product: Product):
    """Return the products like one, as far as search() looks for them."""
    products = Product.objects.using(ALIAS).for_display()
    return products.similar_to(product)[: COUNT + 1]


def whole(product: Product):
    """Return the page of products like one; a single statement."""
    return search(like=[product], page_size=COUNT, using=ALIAS)


if __name__ == "__main__":
    main()
