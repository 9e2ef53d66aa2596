"""The picture of a product that has none: a quiet still life of its own.

Three simple things stand on a table. The category chooses the colours, the name what
stands there, so that a product looks the same each time and like its neighbours. It says
nothing about the product, so screen readers pass it over.
"""

from __future__ import annotations

from typing import Protocol
from zlib import crc32

from markupsafe import Markup

# Classes d0 to d7 of products/static/products/picture.css.
COLOURS = 8
# On a table at the lower edge, y = 25 of 30; {x} is the middle of each.
THINGS = (
    "M{x} 25h-4v-9a4 4 0 0 1 8 0v9z",  # an arch
    "M{x} 25a5 5 0 1 1 .1 0z",  # a ball
    "M{x} 25h-4v-8h8v8z",  # a box
    "M{x} 25h-3v-9l2-3V9h2v4l2 3v9z",  # a bottle
    "M{x} 25h-3l-2-8h10l-2 8z",  # a bowl
    "M{x} 25h-5l5-12 5 12z",  # a cone
)
PLACES = (9, 20, 31)


class Named(Protocol):
    """A product, or what else has its name and category."""

    name: str
    category: str


def drawn_picture(product: Named, size: str) -> Markup:
    """Return the picture as SVG, of under 300 bytes; its colours are classes of the CSS.

    size: "card", "page" or "small", as the macro picture() has it.
    """
    colours = crc32(product.category.encode()) % COLOURS
    seed = crc32(product.name.encode())
    things = []
    for middle in PLACES:
        seed, thing = divmod(seed, len(THINGS))
        seed, shift = divmod(seed, 5)
        path = THINGS[thing].format(x=middle + shift - 2)
        things.append(f'<path d="{path}"/>')
    return Markup(
        f'<svg class="pic pic-{size} drawn d{colours}" viewBox="0 0 40 30" '
        f'aria-hidden="true">{"".join(things)}</svg>'
    )
