"""Which products are on the map, and whether they are still as they were."""

from __future__ import annotations

import random
from functools import lru_cache

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import router
from django.db.models import F, Max, Min, TextField, Value
from django.db.models.functions import MD5, Cast

from products.models import Product
from products.querysets import ProductQuerySet
from products.sql.expressions import InArray, RowVersion, array_of

MOST = 20_000  # points, as many as a browser moves smoothly
COUNTED = 100_000  # products at most, so that counting takes no longer in a large shop


def embedded_count(using: str | None = None) -> int:
    """Return how many products could be on the map; 100,001 stands for all above."""
    using = using or router.db_for_read(Product)
    products = Product.objects.using(using).embedded().order_by()
    return products[: COUNTED + 1].count()


def sample(total: int, using: str | None = None) -> ProductQuerySet:
    """Return at most 20,000 embedded products, spread over the whole range of ids.

    total: how many there are, see embedded_count(). Where there are more, random ids
    are looked up, so that the time does not grow with the catalogue; where many ids are
    no longer used, fewer products come back.
    """
    using = using or router.db_for_read(Product)
    products = Product.objects.using(using).embedded().order_by("pk")
    if total <= MOST:
        return products[:MOST]
    ends = products.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:  # all of them were deleted meanwhile
        return products.none()
    first, last = rounded_range(ends["first"], ends["last"])
    ids = random_ids(first, last, min(MOST, last - first + 1))
    return products.filter(InArray(F("pk"), Value(array_of(ids))))


def rounded_range(first: int, last: int) -> tuple[int, int]:
    """Return a range that holds another one and is up to a sixteenth longer.

    It stays the same while the catalogue grows or shrinks a little, so that a new
    product does not make another sample.
    """
    step = 1 << max((last - first).bit_length() - 6, 0)
    return first // step * step, -(-last // step) * step


# Drawing 20,000 ids takes longer than the rest of a request whose map is in the cache.
@lru_cache(maxsize=4)
def random_ids(first: int, last: int, count: int) -> list[int]:
    """Return numbers from *first* to *last*, none twice, the same ones every time."""
    return random.Random(0).sample(range(first, last + 1), count)


def version_of(products: ProductQuerySet) -> str:
    """Return a text that differs as soon as one of the products does; "" for none.

    Changes by raw SQL count too, and, by the fingerprint, a switch of the recipe, which
    renames columns and writes no row. One statement reads the rows without their
    vectors.
    """
    rows = products.annotate(version=RowVersion())
    found: dict[str, str | None] = rows.aggregate(
        rows=MD5(Cast(ArrayAgg("version", order_by="pk"), TextField())),
        recipe=Max("embedding_fingerprint"),
    )
    return f"{found['rows']} {found['recipe']}" if found["rows"] else ""
