"""Changing the language of the catalogue's words while the shop serves."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections
from django.db.models import F

from products.models import Product
from products.sql.language import current_language, define_language, known_languages
from products.sql.locks import LockedError, try_once
from products.upkeep.vector_index import configured_kind, drop_index, ensure_index

LOCK_TIMEOUT = "30s"
ROWS = 1_000  # between two steps of the progress

BUSY = (
    "The table products is busy. Stop imports and workers, then run the command again; "
    "nothing was changed."
)


class LanguageError(Exception):
    """The language cannot be changed so; the message says what to do next."""


def change_language(
    language: str,
    *,
    using: str,
    progress: Callable[[int], object],
    rebuild_index: bool = False,
) -> bool:
    """Make the words of all products anew, in *language*; return whether that was needed.

    language: a text search configuration of the database. progress: called with how
    many products each step did. All of it is one transaction: until its end searches
    find what they found before, and whoever writes products waits. rebuild_index: drop
    the index of the vectors before, and build it afterwards, also where the rest fails.
    Raises LanguageError, IndexBuildError.
    """
    known = known_languages(using)
    if language not in known:
        raise LanguageError(
            f"The database has no text search configuration {language!r}. Choose one of "
            f"{', '.join(known)}."
        )
    before = current_language(using)
    if before is None:
        raise LanguageError("Run manage.py migrate first.")
    if language == before:
        return False

    def work() -> None:
        with connections[using].cursor() as cursor:
            # A product written by the former function would keep its words.
            cursor.execute("LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE")
        define_language(language, using=using)
        rewrite_words(using, progress)

    try:
        if rebuild_index and not drop_index(configured_kind(), using=using):
            raise LanguageError(BUSY)
        try_once(work, timeout=LOCK_TIMEOUT, using=using)
    except LockedError as err:
        raise LanguageError(BUSY) from err
    finally:
        if rebuild_index:
            # Another process may build it: an import, or somebody by hand.
            ensure_index(
                configured_kind(), using=using, on_progress=lambda progress: None
            )
    with connections[using].cursor() as cursor:
        cursor.execute("ANALYZE products")  # its statistics know the former words
    return True


def rewrite_words(using: str, progress: Callable[[int], object]) -> None:
    """Write all products anew, from which PostgreSQL generates their words."""
    products = Product.objects.using(using).order_by("pk")
    last = 0
    while ids := products.filter(pk__gt=last).values_list("pk", flat=True)[:ROWS]:
        rows = list(ids)
        written = Product.objects.using(using).filter(pk__range=(rows[0], rows[-1]))
        progress(written.update(name=F("name")))
        last = rows[-1]
