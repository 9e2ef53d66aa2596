"""What an import would do: each row of the file compared with the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import connections, transaction
from django.utils.translation import gettext as _

from products.catalog.checking import COLUMNS, REQUIRED, Row
from products.catalog.reading.records import Refusal
from products.embeddings import text
from products.plain_text import tidy

CHUNK_SKUS = 2_000
ASCII_BLANK = "".join(char for char in map(chr, range(128)) if char.isspace())


class Kind(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class Change:
    """What becomes of one row; *columns* are those that differ in the catalogue.

    fresh: whether the catalogue has a vector of exactly this text, made by the
    configured recipe. unknown: whether its model knows no word of the text.
    """

    row: Row
    kind: Kind
    columns: tuple[str, ...] = ()
    fresh: bool = False
    unknown: bool = False

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

    @property
    def needs_embedding(self) -> bool:
        """Whether the catalogue lacks a vector of the text after the row is stored."""
        return self.row.vector is None and not self.fresh and not self.unknown


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

    def chunks(self) -> Iterator[list[str]]:
        """Yield all skus, some thousand at a time."""
        last = ""
        while True:
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "SELECT sku FROM import_seen WHERE sku > %s ORDER BY sku LIMIT %s",
                    [last, CHUNK_SKUS],
                )
                skus = [sku for (sku,) in cursor.fetchall()]
            if not skus:
                return
            yield skus
            last = skus[-1]

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


class UntidySkus:
    """What the skus of the catalogue would be that an import writes differently.

    They are in a temporary table, since there may be many. Reads the catalogue once.
    """

    # Of all others tidy() changes none: white space of ASCII, and what is not ASCII.
    FIND = """
        SELECT sku FROM products
        WHERE octet_length(sku) <> length(sku) OR sku <> btrim(sku, %s)
    """

    def __init__(self, using: str) -> None:
        self.connection = connections[using]
        self.any = False
        with self.connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.import_untidy")
            cursor.execute(
                "CREATE TEMPORARY TABLE import_untidy (sku text PRIMARY KEY)"
            )
        with (
            transaction.atomic(using=using),
            self.connection.chunked_cursor() as found,
        ):
            found.execute(self.FIND, [ASCII_BLANK])
            while rows := found.fetchmany(CHUNK_SKUS):
                self.add([better for (sku,) in rows if (better := tidy(sku)) != sku])

    def add(self, skus: list[str]) -> None:
        if skus:
            self.any = True
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO import_untidy SELECT unnest(%s::text[]) "
                    "ON CONFLICT DO NOTHING",
                    [skus],
                )

    def among(self, skus: Iterable[str]) -> set[str]:
        """Return those skus that are the tidy form of one in the catalogue."""
        if not self.any:
            return set()
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT sku FROM import_untidy WHERE sku = ANY(%s)", [list(skus)]
            )
            return {sku for (sku,) in cursor.fetchall()}


def plan(
    rows: Sequence[Row], *, fingerprint: str, untidy: UntidySkus, using: str
) -> list[Change | Refusal]:
    """Return what becomes of each row. Changes nothing.

    fingerprint: the recipe that makes a vector fresh.
    """
    known = existing((row.sku for row in rows), using)
    twins = untidy.among(row.sku for row in rows)
    return [
        compare(row, found, fingerprint)
        if (found := known.get(row.sku))
        else new(row, is_stored_untidy=row.sku in twins)
        for row in rows
    ]


Existing = tuple[tuple[object, ...], str, str]


def existing(skus: Iterable[str], using: str) -> dict[str, Existing]:
    """Return for each sku in the catalogue its columns, embedded_hash and recipe."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT sku, name, category, description, price, image, embedded_hash, "
            "embedding_fingerprint FROM products WHERE sku = ANY(%s)",
            [list(skus)],
        )
        return {row[0]: (row[:6], row[6], row[7]) for row in cursor.fetchall()}


def new(row: Row, *, is_stored_untidy: bool) -> Change | Refusal:
    """Return the addition of a product, or why it cannot be added.

    is_stored_untidy: whether the catalogue has the sku with white space around it or
    in another form of Unicode: a second product would be made beside that one.
    """
    if is_stored_untidy:
        reason = _(
            "is in the catalogue with white space around it or with separate accents. "
            "Save that product in the admin, which corrects its sku, or run manage.py "
            "tidy_texts --apply, and import again"
        )
        return row.record.refuse(f"sku: {row.sku!r} {reason}")
    if missing := [name for name in REQUIRED if name in row.unsaid]:
        reason = _(
            "is not in the catalogue; for a new product the file lacks %(columns)s"
        )
        reason %= {"columns": ", ".join(missing)}
        return row.record.refuse(f"sku: {row.sku!r} {reason}")
    row.unsaid = ()  # of a new product they are empty
    return Change(row, Kind.NEW)


def compare(row: Row, found: Existing, fingerprint: str) -> Change:
    """Return what becomes of a row, given what the catalogue has under its sku.

    Columns about which the file says nothing are filled from the catalogue.
    """
    old, embedded_hash, recipe = found
    for name, value in zip(COLUMNS, old, strict=True):
        if name in row.unsaid:
            setattr(row, name, value)
    wanted = tuple(getattr(row, name) for name in COLUMNS)
    text_hash = text.text_hash(row.name, row.category, row.description)
    fresh = recipe == fingerprint and embedded_hash == text_hash
    unknown = embedded_hash == text.unknown_hash(fingerprint, text_hash)
    columns = tuple(
        name for name, a, b in zip(COLUMNS, old, wanted, strict=True) if a != b
    )
    return Change(
        row, Kind.CHANGED if columns else Kind.UNCHANGED, columns, fresh, unknown
    )
