"""Some products of the catalogue, chosen at random, however large it is."""

from __future__ import annotations

import random

from django.db.models import F, Max, Min, Value

from products.models import Product
from products.sql.expressions import InArray, array_of

TRIED = 5  # ids that are looked up for each product: some are no longer used


def some_ids(count: int, *, using: str) -> list[int]:
    """Return the ids of at most *count* embedded products, in random order.

    The same ones every time, as long as the catalogue stays the same. Takes three
    statements at most, none of which reads all products. Where fewer than a fifth of
    the ids are in use, the products with the lowest ids make up the rest.
    """
    products = Product.objects.using(using).embedded()
    ends = products.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    ids = range(ends["first"], ends["last"] + 1)
    chance = random.Random(0)
    tried = chance.sample(ids, min(TRIED * count, len(ids)))
    drawn = products.filter(InArray(F("pk"), Value(array_of(tried))))
    found = set(drawn.order_by().values_list("pk", flat=True))
    chosen = [pk for pk in tried if pk in found][:count]
    if len(chosen) == count or len(tried) == len(ids):
        return chosen
    lowest = products.order_by("pk").values_list("pk", flat=True)[:count]
    return list(dict.fromkeys([*chosen, *lowest]))[:count]
