"""Changing the embedding model while the shop runs: begin, switch, roll back, finish.

The new vectors are filled into a second column. A switch renames the two columns,
and what belongs to them, in one transaction: `embedding` is always the column that
is searched, and `products_embedding_idx` always its index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import connections
from django.db.models import F

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import DIMENSIONS, EmbeddingRecipe
from products.recipes import hold_alone
from products.sql.locks import LockedError, keep_trying, set_lock_timeout
from products.sql.sharding import is_sharded
from products.upkeep import vector_index
from products.upkeep.second_column import (
    CHECK,
    NOT_ZERO,
    SECOND_CHECK,
    SecondEmbedding,
    add_columns,
    drop_columns,
    validate_checks,
)
from products.upkeep.vector_index import (
    HALFVEC,
    SECOND_HALFVEC,
    SECOND_VECTOR,
    VECTOR,
)

T = TypeVar("T")

# A lock on the table keeps everybody waiting behind it, one on the workers only them.
LOCK_TIMEOUT = "1s"
WORKERS_TIMEOUT = "30s"
GIVE_UP_SECONDS = 60.0

COLUMN = "ALTER TABLE products RENAME COLUMN {} TO {}"
CONSTRAINT = "ALTER TABLE products RENAME CONSTRAINT {} TO {}"
INDEX = "ALTER INDEX IF EXISTS {} RENAME TO {}"


def exchange_names(rename: str, one: str, other: str) -> list[str]:
    """Return the statements that give each of two things the name of the other."""
    between = "products_swapped"
    steps = ((one, between), (other, one), (between, other))
    return [rename.format(*step) for step in steps]


SWAP = [
    *exchange_names(COLUMN, "embedding", "second_embedding"),
    *exchange_names(COLUMN, "embedding_fingerprint", "second_embedding_fingerprint"),
    *exchange_names(COLUMN, "embedded_hash", "second_embedded_hash"),
    *exchange_names(INDEX, VECTOR.name, SECOND_VECTOR.name),
    *exchange_names(INDEX, HALFVEC.name, SECOND_HALFVEC.name),
]
SWAP_CHECKS = exchange_names(CONSTRAINT, CHECK, SECOND_CHECK)
# Constraints of shards cannot be renamed. After the exchange of the columns each of
# these stands for its own again; they are validated once others can work.
REPLACE_CHECKS = [
    f"ALTER TABLE products DROP CONSTRAINT {CHECK}",
    f"ALTER TABLE products DROP CONSTRAINT {SECOND_CHECK}",
    NOT_ZERO.format(constraint=CHECK, column="embedding"),
    NOT_ZERO.format(constraint=SECOND_CHECK, column="second_embedding"),
]


class SwitchError(Exception):
    """The recipe cannot be changed so; the message says what to do next."""


def begin(path: str, backend: BaseEmbeddingBackend, *, using: str) -> EmbeddingRecipe:
    """Record that the second column is to be filled by *backend*, and add the column.

    Goes on with what was begun before. Raises SwitchError for a backend whose
    vectors do not fit, for the one in force, and while the second column is taken.
    """
    if backend.dimensions != DIMENSIONS:
        raise SwitchError(
            f"{backend.model} makes vectors of {backend.dimensions} numbers and the "
            f'column holds {DIMENSIONS}. See "Another dimension" in docs/embeddings.md.'
        )

    def work() -> EmbeddingRecipe:
        recipe = EmbeddingRecipe.objects.current(using)
        if recipe.fingerprint == backend.fingerprint:
            raise SwitchError(f"{path} is the recipe in force: {recipe}.")
        if recipe.second_fingerprint not in ("", backend.fingerprint):
            raise SwitchError(
                f"The second column holds {recipe.second_fingerprint}. First run "
                "manage.py migrate_embeddings --finish (or --abort)."
            )
        recipe.second_backend, recipe.second_is_former = path, False
        recipe.second_fingerprint = backend.fingerprint
        recipe.save(using=using)
        add_columns(using)
        return recipe

    recipe = with_table_locked(work, using=using)
    validate_checks(SECOND_CHECK, using=using)
    return recipe


def switch(*, using: str, incomplete: bool = False) -> EmbeddingRecipe:
    """Serve the second column from now on, in one step, and keep the first.

    Raises SwitchError when nothing is filled, when products are not embedded by the
    new recipe (unless *incomplete* allows it) or when its index is not there.
    """
    recipe = EmbeddingRecipe.objects.current(using)
    if not recipe.is_filling:
        raise SwitchError(
            "There is nothing to switch to. First run manage.py migrate_embeddings "
            "--to RECIPE."
        )
    second = SecondEmbedding.objects.using(using)
    missing = second.needs_embedding(recipe.second_fingerprint).count()
    if missing and not incomplete:
        raise SwitchError(
            f"{missing} products are not embedded by {recipe.second_fingerprint}, and "
            "no search would find them. Run manage.py migrate_embeddings --to "
            f"{recipe.second_backend} again, or add --incomplete."
        )
    if not vector_index.is_usable(vector_index.configured_second_kind(), using=using):
        raise SwitchError(
            "The index of the second column is not built. Run manage.py "
            f"migrate_embeddings --to {recipe.second_backend} again."
        )
    return exchange_columns(recipe, using=using)


def roll_back(*, using: str) -> EmbeddingRecipe:
    """Serve the column from before the last switch again, in one step.

    Products whose text changed since are stale in it: embed_products embeds them.
    Raises SwitchError when that column is gone.
    """
    recipe = EmbeddingRecipe.objects.current(using)
    if not (recipe.second_backend and recipe.second_is_former):
        raise SwitchError("There is no former recipe to go back to.")
    return exchange_columns(recipe, using=using)


def exchange_columns(recipe: EmbeddingRecipe, *, using: str) -> EmbeddingRecipe:
    """Exchange the two columns and what the database says of them; all or nothing."""
    try:
        recipe.second_embedder()
    except EmbeddingError as err:
        raise SwitchError(str(err)) from err

    def work() -> None:
        changed = EmbeddingRecipe.objects.using(using).filter(
            switches=recipe.switches, second_fingerprint=recipe.second_fingerprint
        )
        if not changed.update(
            backend=F("second_backend"),
            fingerprint=F("second_fingerprint"),
            second_backend=F("backend"),
            second_fingerprint=F("fingerprint"),
            second_is_former=True,
            switches=F("switches") + 1,
        ):
            raise SwitchError("Another process changed the recipe at the same time.")
        with connections[using].cursor() as cursor:
            for statement in SWAP + (REPLACE_CHECKS if sharded else SWAP_CHECKS):
                cursor.execute(statement)

    sharded = is_sharded(using)
    with_table_locked(work, using=using)
    if sharded:
        validate_checks(CHECK, SECOND_CHECK, using=using)
    return EmbeddingRecipe.objects.current(using)


def drop_second(*, using: str, abort: bool = False) -> EmbeddingRecipe:
    """Drop the second column and its indexes; nothing can be rolled back after that.

    abort: drop the column also when it was never served; without this that raises
    SwitchError. Rows keep the room of the dropped vectors until they are written anew
    (VACUUM FULL).
    """
    recipe = EmbeddingRecipe.objects.current(using)
    if recipe.is_filling and not abort:
        raise SwitchError(
            f"{recipe.second_fingerprint} is not switched to yet. Run manage.py "
            "migrate_embeddings --switch, or --abort to give it up."
        )
    vector_index.drop_second_indexes(using)

    def work() -> None:
        drop_columns(using)
        EmbeddingRecipe.objects.using(using).update(
            second_backend="", second_fingerprint="", second_is_former=False
        )

    with_table_locked(work, using=using)
    return EmbeddingRecipe.objects.current(using)


def with_table_locked(work: Callable[[], T], *, using: str) -> T:
    """Return *work()*, run in a transaction that alone has the table products.

    Waits for those who embed, then for readers, but never keeps others waiting for
    more than a second: it gives way and tries again. Raises SwitchError after a
    minute.
    """

    def work_alone() -> T:
        hold_alone(using)
        set_lock_timeout(LOCK_TIMEOUT, using=using)
        with connections[using].cursor() as cursor:
            cursor.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        return work()

    try:
        return keep_trying(
            work_alone, timeout=WORKERS_TIMEOUT, seconds=GIVE_UP_SECONDS, using=using
        )
    except LockedError as err:
        raise SwitchError(
            "The table products is busy. Look for a long transaction in "
            "pg_stat_activity, end it, and run the command again; nothing was changed."
        ) from err
