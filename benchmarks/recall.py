"""Recall@10 of the search's own plans on 100,000 rows, against the exact scan.

    .venv/bin/python benchmarks/recall.py

Asks for the products like one (a stored vector) and for the products near a text (the
name of one, by meaning), without filter and with filters that keep 25, 10, 5, 1 and
0.1 % of the rows. Ends with status 1 where a recall is under the goal of 0.95.
"""

from __future__ import annotations

import random
import sys
from functools import partial

from large_catalogue import ALIAS, parser, say, use_large_catalogue

from products.embeddings import get_backend
from products.models import Product
from products.quality.recall import NEIGHBOURS, ask
from products.quality.tuning import price_ranges
from products.search import Filters, search
from products.search.query_vector import query_vector

GOAL = 0.95
SHARES = (1.0, 0.25, 0.10, 0.05, 0.01, 0.001)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--samples", type=int, default=100, help="Default 100.")
    chosen = options.parse_args()
    use_large_catalogue(rows=chosen.rows, rebuild=chosen.rebuild)
    say(
        f"Recall@{NEIGHBOURS} of {chosen.samples} questions each; the goal is {GOAL}.\n"
    )
    say(f"{'question':10}{'filter':>8}{'recall':>9}{'full':>7}{'median ms':>11}  plan")
    generator = random.Random(1)
    ids = list(Product.objects.using(ALIAS).order_by("pk").values_list("pk", flat=True))
    lowest = 1.0
    for share in SHARES:
        products = Product.objects.using(ALIAS).for_display()
        asked = list(products.in_bulk(generator.sample(ids, chosen.samples)).values())
        ranges = price_ranges(share, len(asked), generator, using=ALIAS)
        for question in (like_product, near_text):
            found = measure(question, asked, ranges, share)
            lowest = min(lowest, found)
    say(f"\nThe lowest recall is {lowest:.3f}; the goal is {GOAL}.")
    sys.exit(lowest < GOAL)


def measure(question, asked: list[Product], ranges: list[Filters], share: float):
    """Print the recall of one kind of question with one kind of filter; return it."""
    plans = set()

    def page(product: Product, filters: Filters) -> list[int]:
        results = question(product, filters)
        plans.add(f"{results.plan.method} {results.plan.ef_search or ''}".strip())
        return [hit.product.pk for hit in results]

    samples = list(zip(asked, ranges, strict=True))
    exact = ask(partial(question, *sample, exact=True) for sample in samples)
    found = ask(partial(page, *sample) for sample in samples)
    title = "none" if share == 1 else f"{share * 100:g} %"
    say(
        f"{question.__name__:10}{title:>8}{found.recall(exact):>9.3f}"
        f"{found.full(exact):>7.0%}{found.milliseconds:>11.1f}  "
        f"{', '.join(sorted(plans))}"
    )
    return found.recall(exact)


def like_product(product: Product, filters: Filters, *, exact: bool = False):
    """Ask for the products like one: Results, or the true ids."""
    if exact:
        products = filters.narrow(Product.objects.using(ALIAS))
        nearest = products.similar_to(product, exact=True)
        return list(nearest.values_list("pk", flat=True)[:NEIGHBOURS])
    return search(filters=filters, like=[product], page_size=NEIGHBOURS, using=ALIAS)


def near_text(product: Product, filters: Filters, *, exact: bool = False):
    """Ask by meaning for the products near a name: Results, or the true ids.

    The shop knows the name word for word, so that the floor cuts nothing off.
    """
    if exact:
        vector = query_vector(product.name[:1_000], get_backend())
        products = filters.narrow(Product.objects.using(ALIAS))
        nearest = products.nearest_to(vector.tolist(), exact=True)[:NEIGHBOURS]
        return [near.pk for near in nearest if near.similarity >= floor()]
    return search(
        product.name[:1_000],
        filters,
        mode="semantic",
        page_size=NEIGHBOURS,
        using=ALIAS,
    )


def floor() -> float:
    """Return the similarity below which the search leaves a product out."""
    return get_backend().default_floor


if __name__ == "__main__":
    main()
