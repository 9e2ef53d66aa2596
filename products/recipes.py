"""Which recipe the embeddings follow: one row, read by every process of the shop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, router

from products.embeddings import (
    BaseEmbeddingBackend,
    EmbeddingError,
    get_backend,
    load_backend,
)
from products.sql.prepared import ANY_ID, Prepared

if TYPE_CHECKING:
    import numpy.typing as npt

T = TypeVar("T")

# Held, shared, by whoever writes embeddings in batches, and alone by a switch: so a
# switch waits for them without a lock that keeps readers waiting. Any number that no
# other program uses in this database.
ADVISORY_LOCK = 5_384_001


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


class EmbeddingRecipe(models.Model):
    """The recipe of the column `embedding`, and that of the second column.

    At most one row, with id 1. The first `manage.py migrate_embeddings` writes it;
    until then the setting EMBEDDING_BACKEND decides, and afterwards the row does, so
    that all processes change together.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    backend = models.CharField(max_length=200)  # the dotted path of a class
    fingerprint = models.CharField(max_length=100)
    # Empty while there is no second column.
    second_backend = models.CharField(max_length=200, blank=True)
    second_fingerprint = models.CharField(max_length=100, blank=True)
    # The second column holds the vectors that were served before the last switch.
    second_is_former = models.BooleanField(default=False)
    # Counted up by every switch, so that a reader notices even two of them.
    switches = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "products_recipe"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="products_recipe_one_row", condition=models.Q(id=1)
            )
        ]

    def __str__(self) -> str:
        return self.fingerprint

    @property
    def is_filling(self) -> bool:
        """Whether the second column is being filled, to be switched to."""
        return bool(self.second_backend) and not self.second_is_former

    def embedder(self) -> BaseEmbeddingBackend:
        """Return the backend of the column `embedding`; see backend_of()."""
        return backend_of(self.backend, self.fingerprint)

    def second_embedder(self) -> BaseEmbeddingBackend:
        """Return the backend of the second column; see backend_of()."""
        return backend_of(self.second_backend, self.second_fingerprint)


def backend_of(path: str, fingerprint: str) -> BaseEmbeddingBackend:
    """Return the backend at *path*, provided that it still makes *fingerprint*.

    Raises EmbeddingError when this process cannot load it, or when its code changed
    so that new vectors could not be compared with the old.
    """
    try:
        backend = load_backend(path)
    except ImproperlyConfigured as err:
        raise EmbeddingError(
            f"The database says that {path} embeds its products, and this process "
            f"cannot load it: {err}"
        ) from err
    if backend.fingerprint != fingerprint:
        raise EmbeddingError(
            f"{path} now makes {backend.fingerprint}; the products are embedded by "
            f"{fingerprint}. Run manage.py migrate_embeddings --to {path}"
        )
    return backend


def current_recipe(using: str | None = None) -> EmbeddingRecipe:
    """Return the recipe in force: of the database, or else of the settings.

    One read of a table of one row (0.4 ms on the same machine), never cached: it is
    right also in the moment after another process switched.
    """
    using = using or router.db_for_read(EmbeddingRecipe)
    recorded = recorded_recipe().objects(1, using=using)
    return (
        recorded[0]
        if recorded
        else EmbeddingRecipe(
            backend=settings.EMBEDDING_BACKEND, fingerprint=get_backend().fingerprint
        )
    )


@cache
def recorded_recipe() -> Prepared[EmbeddingRecipe]:
    """Return the query for the one row."""
    return Prepared.of(EmbeddingRecipe.objects.filter(pk=ANY_ID))


def active_backend(using: str | None = None) -> BaseEmbeddingBackend:
    """Return the backend whose vectors can be compared with those of the products.

    Raises EmbeddingError as backend_of() does.
    """
    return current_recipe(using).embedder()


def with_active_backend(
    run: Callable[[BaseEmbeddingBackend], T],
    *,
    using: str | None = None,
    doubtful: type[Exception] | tuple[()] = (),
) -> T:
    """Return *run(backend)*, run again when the recipe was switched meanwhile.

    For a search by text: between embedding the text and reading the rows another
    process may switch, and the rows then have another recipe than the text. *run*
    embeds, filters by the backend's fingerprint (nearest_to does) and returns
    evaluated results; it must not write. Where this process cannot load the backend,
    *run* gets one that raises EmbeddingError when it is used. doubtful: an error of
    *run* that a switch can be the cause of. Costs two reads of one row.
    """
    recipe = current_recipe(using)
    while True:
        try:
            result = run(available(recipe))
        except doubtful:
            if not was_switched(recipe, using):
                raise
        else:
            if not was_switched(recipe, using):
                return result
        recipe = current_recipe(using)


def available(recipe: EmbeddingRecipe) -> BaseEmbeddingBackend:
    """Return the backend of a recipe, or one that tells why there is none."""
    try:
        return recipe.embedder()
    except EmbeddingError as err:
        return Unavailable(recipe.fingerprint, err)


def was_switched(recipe: EmbeddingRecipe, using: str | None) -> bool:
    """Return whether another recipe came into force since *recipe* was read."""
    now = current_recipe(using)
    return (now.switches, now.fingerprint) != (recipe.switches, recipe.fingerprint)


def hold_recipe(using: str | None = None) -> None:
    """Keep the recipe from being switched until the end of this transaction."""
    lock("SELECT pg_advisory_xact_lock_shared(%s)", using)


def hold_alone(using: str | None = None) -> None:
    """Wait until nobody embeds, and keep them waiting to this transaction's end."""
    lock("SELECT pg_advisory_xact_lock(%s)", using)


def lock(sql: str, using: str | None) -> None:
    with connections[using or router.db_for_write(EmbeddingRecipe)].cursor() as cursor:
        cursor.execute(sql, [ADVISORY_LOCK])
