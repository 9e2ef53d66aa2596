"""Changing the embedding model while the shop runs: begin, switch, roll back, finish.

The new vectors are filled into a second column. A switch renames the two columns,
and what belongs to them, in one transaction: `embedding` is always the column that
is searched, and `products_embedding_idx` always its index.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, transaction
from django.db.models import F
from psycopg.errors import LockNotAvailable

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import DIMENSIONS, EmbeddingRecipe
from products.recipes import current_recipe, hold_alone
from products.upkeep import vector_index
from products.upkeep.second_column import (
    SecondEmbedding,
    add_columns,
    drop_columns,
    drop_indexes,
    validate_check,
)

T = TypeVar("T")

# While a table lock waits, everybody else waits behind it: never long, but often.
LOCK_TIMEOUT = "1s"
# Nobody but other workers waits behind this one.
WORKERS_TIMEOUT = "30s"
LOCK_PAUSE_SECONDS = 0.5
GIVE_UP_SECONDS = 60.0

SWAP = """
ALTER TABLE products RENAME COLUMN embedding TO swapped;
ALTER TABLE products RENAME COLUMN second_embedding TO embedding;
ALTER TABLE products RENAME COLUMN swapped TO second_embedding;
ALTER TABLE products RENAME COLUMN embedding_fingerprint TO swapped;
ALTER TABLE products RENAME COLUMN second_embedding_fingerprint TO embedding_fingerprint;
ALTER TABLE products RENAME COLUMN swapped TO second_embedding_fingerprint;
ALTER TABLE products RENAME COLUMN embedded_hash TO swapped;
ALTER TABLE products RENAME COLUMN second_embedded_hash TO embedded_hash;
ALTER TABLE products RENAME COLUMN swapped TO second_embedded_hash;
ALTER TABLE products RENAME CONSTRAINT products_embedding_not_zero TO products_swapped;
ALTER TABLE products RENAME CONSTRAINT products_second_embedding_not_zero
    TO products_embedding_not_zero;
ALTER TABLE products RENAME CONSTRAINT products_swapped
    TO products_second_embedding_not_zero;
ALTER INDEX IF EXISTS products_embedding_idx RENAME TO products_swapped_idx;
ALTER INDEX IF EXISTS products_second_embedding_idx RENAME TO products_embedding_idx;
ALTER INDEX IF EXISTS products_swapped_idx RENAME TO products_second_embedding_idx;
ALTER INDEX IF EXISTS products_embedding_halfvec_idx RENAME TO products_swapped_idx;
ALTER INDEX IF EXISTS products_second_embedding_halfvec_idx
    RENAME TO products_embedding_halfvec_idx;
ALTER INDEX IF EXISTS products_swapped_idx
    RENAME TO products_second_embedding_halfvec_idx;
"""


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
        recipe = current_recipe(using)
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
    validate_check(using)
    return recipe


def switch(*, using: str, incomplete: bool = False) -> EmbeddingRecipe:
    """Serve the second column from now on, in one step, and keep the first.

    Raises SwitchError when nothing is filled, when products are not embedded by the
    new recipe (unless *incomplete* allows it) or when its index is not there.
    """
    recipe = current_recipe(using)
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
    return swap(recipe, using=using)


def roll_back(*, using: str) -> EmbeddingRecipe:
    """Serve the column from before the last switch again, in one step.

    Products whose text changed since are stale in it: embed_products embeds them.
    Raises SwitchError when that column is gone.
    """
    recipe = current_recipe(using)
    if not (recipe.second_backend and recipe.second_is_former):
        raise SwitchError("There is no former recipe to go back to.")
    return swap(recipe, using=using)


def swap(recipe: EmbeddingRecipe, *, using: str) -> EmbeddingRecipe:
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
            cursor.execute(SWAP)

    with_table_locked(work, using=using)
    return current_recipe(using)


def drop_second(*, using: str, abort: bool = False) -> EmbeddingRecipe:
    """Drop the second column and its indexes; nothing can be rolled back after that.

    abort: also when it is not switched to yet. Raises SwitchError otherwise. Rows
    keep the room of the dropped vectors until they are written anew (VACUUM FULL).
    """
    recipe = current_recipe(using)
    if recipe.is_filling and not abort:
        raise SwitchError(
            f"{recipe.second_fingerprint} is not switched to yet. Run manage.py "
            "migrate_embeddings --switch, or --abort to give it up."
        )
    drop_indexes(using)

    def work() -> None:
        drop_columns(using)
        EmbeddingRecipe.objects.using(using).update(
            second_backend="", second_fingerprint="", second_is_former=False
        )

    with_table_locked(work, using=using)
    return current_recipe(using)


def with_table_locked(work: Callable[[], T], *, using: str) -> T:
    """Return *work()*, run in a transaction that alone has the table products.

    Waits for those who embed, then for readers, but never keeps others waiting for
    more than a second: it gives way and tries again. Raises SwitchError after a
    minute.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            with transaction.atomic(using=using):
                lock_table(using)
                return work()
        except OperationalError as err:
            if not isinstance(err.__cause__, LockNotAvailable):
                raise
            if time.monotonic() > deadline:
                raise SwitchError(
                    "The table products is busy. Look for a long transaction in "
                    "pg_stat_activity, end it, and run the command again; nothing "
                    "was changed."
                ) from err
        time.sleep(LOCK_PAUSE_SECONDS)


def lock_table(using: str) -> None:
    """Take the locks of a switch, or raise OperationalError when others have them."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WORKERS_TIMEOUT])
        hold_alone(using)
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
