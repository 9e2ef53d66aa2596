"""An embedding as a strip of colour: a cell for each of its 384 numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from products.models import Product
from products.samples import samples_of

COLUMNS, ROWS = 48, 8
CELL = 10
LEVELS = 4  # shades on each side of 0
# A unit vector of 384 numbers has numbers of about 0.05, and the products of two are
# about 0.0026: the darkest shades are for what is three times as large.
DARKEST, DARKEST_OF_PRODUCTS = 0.15, 0.0078
CHOICES = 40


@dataclass(frozen=True)
class Strip:
    """The cells of each shade as one SVG path. paths: from -4 to 4, 0 is near nothing."""

    paths: dict[int, str]


@dataclass(frozen=True)
class Pair:
    """Two products, the strips of their embeddings, and what they have in common.

    together: the strip of the 384 products of their numbers, which add up to the
    similarity. first: the first numbers of both, for reading.
    """

    strips: tuple[Strip, Strip]
    together: Strip
    similarity: float
    first: tuple[list[float], list[float]]

    @property
    def distance(self) -> float:
        return 1 - self.similarity


def pair_of(a: Product, b: Product) -> Pair | None:
    """Return two products' embeddings side by side; None if they cannot be compared."""
    found = Product.objects.filter(pk__in=[a.pk, b.pk]).values_list(
        "pk", "embedding_fingerprint", "embedding"
    )
    rows = {pk: (recipe, vector) for pk, recipe, vector in found if vector is not None}
    if not {a.pk, b.pk} <= rows.keys() or rows[a.pk][0] != rows[b.pk][0]:
        return None
    one, other = unit(rows[a.pk][1]), unit(rows[b.pk][1])
    products = [x * y for x, y in zip(one, other, strict=True)]
    return Pair(
        strips=(strip(one, DARKEST), strip(other, DARKEST)),
        together=strip(products, DARKEST_OF_PRODUCTS),
        similarity=sum(products),
        first=(one[:6], other[:6]),
    )


def unit(vector: Sequence[float]) -> list[float]:
    """Return a vector of length 1 with the same direction."""
    length = sum(number * number for number in vector) ** 0.5
    return [number / length for number in vector]


def strip(numbers: Sequence[float], darkest: float) -> Strip:
    """Return numbers as cells, row by row; *darkest* and more get the darkest shade."""
    cells: dict[int, list[str]] = defaultdict(list)
    for place, number in enumerate(numbers):
        level = max(-LEVELS, min(LEVELS, round(LEVELS * number / darkest)))
        row, column = divmod(place, COLUMNS)
        cells[level].append(f"M{column * CELL} {row * CELL}h9v9h-9z")
    return Strip({level: "".join(cells[level]) for level in sorted(cells)})


def choices(*chosen: Product) -> list[Product]:
    """Return products to choose from: the lab's own, some others, and the chosen ones.

    At most 53, in the order of their names.
    """
    products = Product.objects.for_display().embedded().order_by("pk")
    own = [sku for name in ("ten", "new") for sku in samples_of(name)]
    offered = {product.pk: product for product in products.filter(sku__in=own)}
    for product in [*products[: CHOICES - len(offered)], *chosen]:
        offered.setdefault(product.pk, product)
    return sorted(offered.values(), key=lambda product: product.name.casefold())
