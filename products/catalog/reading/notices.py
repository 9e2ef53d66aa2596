"""What an import noticed about its file although nothing failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from products.numbers import grouped


class Notice(Enum):
    ROUNDED_SKU = auto()
    SEVERAL_LINES = auto()
    QUOTES_KEPT = auto()
    NO_PRODUCT = auto()
    NO_PICTURE = auto()
    PICTURE_ELSEWHERE = auto()


# Each has the places %(count)s and %(line)s.
SENTENCES: dict[Notice, str | Promise] = {
    Notice.ROUNDED_SKU: _(
        "Skus such as 4.00638E+12: %(count)s, the first on line %(line)s. A spreadsheet "
        "has rounded them. Format that column as text and export the file again."
    ),
    Notice.SEVERAL_LINES: _(
        "Rows that go over several lines, inside quotes: %(count)s, the first from line "
        "%(line)s on. If these are several products, read the file without quoting."
    ),
    Notice.QUOTES_KEPT: _(
        "Lines of this TSV file with a text in quotes: %(count)s, the first is line "
        "%(line)s. The quotes were kept as part of the text. If they only enclose it, "
        "read the file with the quoting of CSV."
    ),
    Notice.NO_PRODUCT: _(
        "Rows that are no product of their own, such as further pictures or the parents "
        "of variants: %(count)s, the first on line %(line)s."
    ),
    Notice.NO_PICTURE: _(
        "Pictures without a whole address, such as https://shop.example/lamp.jpg: "
        "%(count)s, the first on line %(line)s. They were left out."
    ),
    Notice.PICTURE_ELSEWHERE: _(
        "Pictures at addresses that the shop does not show: %(count)s, the first on line "
        "%(line)s. Their products show a drawing until IMAGE_HOSTS names the host; only "
        "addresses with https are shown."
    ),
}


@dataclass
class Notices:
    """How often each notice came up, and on which line first."""

    found: dict[Notice, tuple[int, int]] = field(default_factory=dict)

    def add(self, notice: Notice, line: int) -> None:
        """Count a notice."""
        count, first = self.found.get(notice, (0, line))
        self.found[notice] = (count + 1, first)

    def sentences(self) -> Iterator[str]:
        """Yield what to tell the reader, in the language of the moment."""
        for notice, (count, line) in self.found.items():
            yield (
                str(SENTENCES[notice])
                % {"count": grouped(count), "line": grouped(line)}
            )
