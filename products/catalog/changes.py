"""What an import would do: each row of the file compared with the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import connections
from django.utils.translation import gettext as _

from products.catalog.records import Refusal
from products.catalog.rows import COLUMNS, Row
from products.embeddings import text


class Kind(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class Change:
    """What becomes of one row; *columns* are those that differ in the catalogue.

    embed: whether the row's text is new to the catalogue. fresh: whether the catalogue
    has a vector of exactly this text, made by the configured recipe.
    """

    row: Row
    kind: Kind
    columns: tuple[str, ...] = ()
    embed: bool = False
    fresh: bool = False

    @property
    def line(self) -> int:
        return self.row.record.line

    @property
    def writes(self) -> bool:
        """Whether there is anything to store."""
        return self.kind is not Kind.UNCHANGED or self.takes_vector

    @property
    def takes_vector(self) -> bool:
        """Whether the row brings a vector that the catalogue lacks."""
        return self.row.vector is not None and not self.fresh


class SeenSkus:
    """The skus of the file so far, in a temporary table: there may be millions.

    The table lives as long as the database session.
    """

    def __init__(self, using: str, *, unit: str) -> None:
        self.unit = unit
        self.connection = connections[using]
        with self.connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.import_seen")
            cursor.execute(
                "CREATE TEMPORARY TABLE import_seen "
                "(sku text PRIMARY KEY, line bigint NOT NULL)"
            )
            cursor.execute("SELECT clock_timestamp()")
            [self.started_at] = cursor.fetchone()

    def add(self, rows: Sequence[Row]) -> list[Row | Refusal]:
        """Return the rows, with a refusal for each whose sku came before."""
        lines = [row.record.line for row in rows]
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO import_seen SELECT * FROM unnest(%s::text[], %s::bigint[]) "
                "ON CONFLICT (sku) DO NOTHING RETURNING line",
                [[row.sku for row in rows], lines],
            )
            added = {line for (line,) in cursor.fetchall()}
            if len(added) == len(rows):
                return list(rows)
            cursor.execute(
                "SELECT sku, line FROM import_seen WHERE sku = ANY(%s)",
                [[row.sku for row in rows if row.record.line not in added]],
            )
            first = dict(cursor.fetchall())
        return [
            row
            if row.record.line in added
            else row.record.refuse(
                "sku: "
                + _("%(sku)r is on %(unit)s %(number)d too")
                % {"sku": row.sku, "unit": self.unit, "number": first[row.sku]}
            )
            for row in rows
        ]


def plan(rows: Sequence[Row], *, fingerprint: str, using: str) -> list[Change]:
    """Return what becomes of each row. Runs one statement, which changes nothing.

    fingerprint: the recipe that makes a vector fresh.
    """
    known = existing([row.sku for row in rows], using)
    return [compare(row, known.get(row.sku), fingerprint) for row in rows]


Existing = tuple[tuple[object, ...], str, str]


def existing(skus: Iterable[str], using: str) -> dict[str, Existing]:
    """Return for each sku in the catalogue its columns, embedded_hash and recipe."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT sku, name, category, description, price, embedded_hash, "
            "embedding_fingerprint FROM products WHERE sku = ANY(%s)",
            [list(skus)],
        )
        return {row[0]: (row[:5], row[5], row[6]) for row in cursor.fetchall()}


def compare(row: Row, found: Existing | None, fingerprint: str) -> Change:
    """Return what becomes of a row, given what the catalogue has under its sku."""
    if found is None:
        return Change(row, Kind.NEW, embed=True)
    old, embedded_hash, recipe = found
    new: tuple[object, ...] = (
        row.sku,
        row.name,
        row.category,
        row.description,
        row.price,
    )
    fresh = recipe == fingerprint and embedded_hash == text.text_hash(
        row.name, row.category, row.description
    )
    if old == new:
        return Change(row, Kind.UNCHANGED, fresh=fresh)
    columns = tuple(
        name for name, a, b in zip(COLUMNS, old, new, strict=True) if a != b
    )
    changes_text = not set(columns).isdisjoint(text.TEXT_FIELDS)
    return Change(
        row, Kind.CHANGED, columns, embed=changes_text and not fresh, fresh=fresh
    )
