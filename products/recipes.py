"""Work by the recipe in force, also while another process switches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from django.db import connections, router

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import EmbeddingRecipe

if TYPE_CHECKING:
    import numpy.typing as npt

T = TypeVar("T")

# Held, shared, by whoever writes embeddings in batches, and alone by a switch: so a
# switch waits for them without a lock that keeps readers waiting. Any number that no
# other program uses in this database.
ADVISORY_LOCK = 5_384_001

# The recipe that this process last saw in force, by the alias of the database.
LAST: dict[str, EmbeddingRecipe] = {}


class Unavailable(BaseEmbeddingBackend):
    """Stands for a backend that this process cannot load: embeds nothing."""

    def __init__(self, fingerprint: str, error: EmbeddingError) -> None:
        self.recorded = fingerprint
        self.error = error

    @property
    def fingerprint(self) -> str:
        return self.recorded

    def vectors(self, texts: Sequence[str]) -> npt.ArrayLike:
        raise EmbeddingError(str(self.error)) from self.error


def with_active_backend(
    run: Callable[[BaseEmbeddingBackend], T],
    *,
    using: str | None = None,
    retry_on: type[Exception] = EmbeddingError,
) -> T:
    """Return *run(backend)*, run again when the recipe was switched meanwhile.

    For a search by text: between embedding the text and reading the rows another
    process may switch, and the rows then have another recipe than the text. *run*
    embeds, filters by the backend's fingerprint (nearest_to does) and returns
    evaluated results; it must not write. Where this process cannot load the backend,
    *run* gets one that raises EmbeddingError when it is used. retry_on: exceptions
    that a switch may have caused; *run* is then repeated instead of raising.

    It begins with the recipe that was in force when this process last asked, and costs
    one read of a row, afterwards: that finds any switch since then.
    """
    alias = using or router.db_for_read(EmbeddingRecipe)
    recipe = LAST.get(alias) or EmbeddingRecipe.objects.current(alias)
    while True:
        error = None
        try:
            result = run(available(recipe))
        except Exception as err:
            LAST.pop(alias, None)  # whatever it is, the next one begins anew
            if not isinstance(err, retry_on):
                raise
            error = err
        now = LAST[alias] = EmbeddingRecipe.objects.current(alias)
        if is_same(now, recipe):
            if error:
                raise error
            return result
        recipe = now


def available(recipe: EmbeddingRecipe) -> BaseEmbeddingBackend:
    """Return the backend of a recipe, or one whose use raises why there is none."""
    try:
        return recipe.embedder()
    except EmbeddingError as err:
        return Unavailable(recipe.fingerprint, err)


def is_same(now: EmbeddingRecipe, before: EmbeddingRecipe) -> bool:
    """Return whether no switch came between two reads of the recipe."""
    return (now.switches, now.fingerprint) == (before.switches, before.fingerprint)


def forget() -> None:
    """Let the recipe be read before it is next used."""
    LAST.clear()


def hold_recipe(using: str | None = None) -> None:
    """Keep the recipe from being switched until the end of this transaction."""
    lock("SELECT pg_advisory_xact_lock_shared(%s)", using)


def hold_alone(using: str | None = None) -> None:
    """Wait until nobody embeds, and let nobody embed until this transaction ends."""
    lock("SELECT pg_advisory_xact_lock(%s)", using)


def lock(sql: str, using: str | None) -> None:
    with connections[using or router.db_for_write(EmbeddingRecipe)].cursor() as cursor:
        cursor.execute(sql, [ADVISORY_LOCK])
