"""How the pages show things: numbers, bars, colours, long texts, SQL, addresses."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

import sqlparse
from django.conf import settings
from django.http import QueryDict
from django.utils import numberformat
from django.utils.formats import get_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from markupsafe import Markup, escape

from products.currency import decimals_of, rounded, shop_currency
from products.numbers import around_price

# Chosen so that any two are far apart in CIELAB (40 and more), also as colour-blind
# people see them (24 and more), and each is on white paper (contrast 3 and more). The
# last one is for every further series. map.css lists the same colours.
SERIES = (
    "#1391ee",
    "#993800",
    "#22a355",
    "#9364a7",
    "#a6920e",
    "#680e29",
    "#4d1a96",
    "#71797b",
)

# Four placeholders or more.
PARAMETERS = re.compile(r"%s(?:, ?%s){3,}")

PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n")
# The text of a vector.
VECTOR = re.compile(r"\[[-0-9.e, ]{100,}\]")

LAST_WORD = re.compile(r"\S*$")

PYTHON_SIGNS = {".": ".", ",": ","}


class Numbers:
    """How a language writes numbers.

    The separators are looked up once. Django's number_format() looks them up for each
    number, and a page has dozens.
    """

    def __init__(self, language: str | None) -> None:
        self.point = get_format("DECIMAL_SEPARATOR", language)
        self.comma = get_format("THOUSAND_SEPARATOR", language)
        self.grouping = get_format("NUMBER_GROUPING", language)
        self.language = language
        # None if Python writes these separators by itself.
        signs = {".": self.point, ",": self.comma}
        self.signs = str.maketrans(signs) if signs != PYTHON_SIGNS else None

    def number(self, value: float | Decimal, digits: int = 0) -> str:
        """Return a number with thousands separated and *digits* decimals: 12,345."""
        if self.grouping == 3:
            text = f"{value:z,.{digits}f}"
            return text.translate(self.signs) if self.signs else text
        return numberformat.format(
            round(Decimal(value), digits),
            self.point,
            digits,
            self.grouping,
            self.comma,
            force_grouping=True,
        )

    def price(self, value: Decimal | str) -> str:
        """Return a price with its currency: $1,299.00, in German 1.299,00 $."""
        before, after = around_price(self.language, settings.CURRENCY)
        code = shop_currency()
        number = self.number(rounded(Decimal(value), code), decimals_of(code))
        return f"{before}{number}{after}"


def percent(similarity: float | None) -> int:
    """Return a similarity as a whole number from 0 to 100, for the length of a bar.

    A vector that points away from the query has a negative similarity, and its bar
    is empty.
    """
    return round(100 * min(max(similarity or 0.0, 0.0), 1.0))


def series_colour(number: int) -> str:
    """Return the colour of a series of the map, counted from 1.

    The picture carries its colours, because opened alone it has no stylesheet.
    """
    return SERIES[min(number, len(SERIES)) - 1]


def category_name(category: str) -> str:
    """Return the name of a category, or that there is none, in the same words everywhere."""
    return category or gettext("No category")


def shortened(text: str, length: int) -> str:
    """Return a text of at most *length* characters, cut after a word, with an ellipsis.

    It is cut within a word where a whole one would cost more than half of the text.
    """
    if len(text) <= length:
        return text
    start = text[: length - 1]
    words = start if text[length - 1].isspace() else LAST_WORD.sub("", start)
    words = words.rstrip().rstrip(",;.:–-")
    return f"{words if 2 * len(words) >= length else start}…"


def lines(text: str) -> str:
    """Return a text as HTML that keeps its lines."""
    safe = escape(text)
    return Markup("<br>".join(safe.splitlines())) if "\n" in text else safe


def paragraphs(text: str) -> list[str]:
    """Return the parts of a text between its empty lines."""
    return [part.strip() for part in PARAGRAPH_END.split(text) if part.strip()]


@lru_cache(maxsize=256)
def readable_sql(statement: str) -> SafeString:
    """Return a statement as HTML on several lines, long lists of parameters shortened.

    The HTML is for the content of an element. Quotes need no escape there: SQL is full
    of them, and each escape takes six characters.
    """
    return formatted_sql(PARAMETERS.sub("%s, …, %s", statement))


# A cache of its own: formatting is slow, and most statements differ only in the length
# of their lists.
@lru_cache(maxsize=256)
def formatted_sql(statement: str) -> SafeString:
    """Return statements as HTML, one below the other, with the keywords in capitals."""
    formatted = "\n".join(
        sqlparse.format(part, reindent=True, keyword_case="upper").strip()
        for part in sqlparse.split(statement)
    )
    return SafeString(html.escape(formatted, quote=False))


def copyable_sql(text: str) -> SafeString:
    """Return SQL as HTML in which a vector takes little room, and is copied whole."""
    safe = html.escape(text, quote=False)
    return SafeString(VECTOR.sub(r'<span class="vector">\g<0></span>', safe))


def changed_address(
    data: QueryDict, *, add: Iterable[tuple[str, object]] = (), drop: str = ""
) -> str:
    """Return the query string of *data* with parameters added, on its first page.

    drop: a parameter, or `name=value` for one of its values, that is left out.
    """
    changed = data.copy()
    changed.pop("page", None)
    name, equals, value = drop.partition("=")
    if equals:
        changed.setlist(name, [item for item in data.getlist(name) if item != value])
    else:
        changed.pop(name, None)
    for key, added in add:
        if str(added) not in changed.getlist(key):
            changed.appendlist(key, str(added))
    return "?" + changed.urlencode()
