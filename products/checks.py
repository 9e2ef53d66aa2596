"""System checks: is the catalogue's set-up one that search can work with?

`manage.py check` finds what the settings tell; `manage.py check --database default`
also asks the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import (
    CheckMessage,
    Error,
    Tags,
    Warning as CheckWarning,
    register,
)
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from products.embeddings import EmbeddingError, get_backend
from products.models import DIMENSIONS, EmbeddingRecipe, Product
from products.recipe_checks import check_agreement, check_states
from products.recipes import active_backend
from products.upkeep.vector_index import configured_kind


@register
def check_backend(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return E001 for no usable backend, E002 for one of another dimension."""
    try:
        backend = get_backend()
    except ImproperlyConfigured as err:
        return [
            Error(
                str(err),
                hint="Leave EMBEDDING_BACKEND unset to use the bundled model.",
                id="products.E001",
            )
        ]
    if backend.dimensions != DIMENSIONS:
        return [
            Error(
                f"{backend.model} makes vectors of {backend.dimensions} numbers; the "
                f"column products.embedding holds {DIMENSIONS}.",
                hint="Choose a backend (EMBEDDING_BACKEND) with vectors of that size.",
                id="products.E002",
            )
        ]
    return []


@register(Tags.database)
def check_embedder(
    databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W001 when the backend cannot embed a text.

    Runs only where a database is asked for: it loads the model, half a second, and
    every command runs the other checks. A warning: the shop serves what is embedded
    already, and keyword search.
    """
    if not databases:
        return []
    messages: list[CheckMessage] = []
    for alias in databases:
        try:
            backend = active_backend(alias) if has_recipes(alias) else get_backend()
            backend.embed(["ready?"])
        except ImproperlyConfigured:
            return []  # products.E001 tells
        except EmbeddingError as err:
            messages.append(
                CheckWarning(
                    f"Texts cannot be embedded: {err}",
                    hint="Searching by meaning and adding products need this to work.",
                    id="products.W001",
                )
            )
    return messages


@register(Tags.database)
def check_database(
    databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return what is wrong with the table in each of *databases* that holds it."""
    return [
        message
        for alias in databases or ()
        if connections[alias].vendor == "postgresql"
        and router.allow_migrate_model(alias, Product)
        for message in check_alias(alias)
    ]


def check_alias(alias: str) -> list[CheckMessage]:
    """Return E003 extension missing, E004 dimension, W002 index missing, W003 class.

    And what check_states() and check_agreement() find.

    Nothing is said before the first migration: it enables the extension, and
    `manage.py migrate` runs these checks first.
    """
    if not table_exists(alias):
        return []
    if not extension_installed(alias):
        return [
            Error(
                f"The extension vector (pgvector) is not installed in database {alias!r}.",
                hint="It was there when the tables were made. Restore the database, or "
                "make the tables anew: manage.py migrate products zero --skip-checks, "
                "then manage.py migrate.",
                id="products.E003",
            )
        ]
    dimensions = column_dimensions(alias)
    messages: list[CheckMessage] = []
    if dimensions != DIMENSIONS:
        messages.append(
            Error(
                f"The column products.embedding holds {dimensions} numbers, the model "
                f"{DIMENSIONS}.",
                hint=f"Bring the column back to vector({DIMENSIONS}): see manage.py "
                'sqlmigrate products 0001, and "Another dimension" in docs/embeddings.md.',
                id="products.E004",
            )
        )
    readable = has_recipes(alias) and not messages and not check_backend(None)
    messages += check_index(alias)
    if readable:
        messages += check_agreement(alias) + check_states(alias)
    return messages


def check_index(alias: str) -> list[CheckMessage]:
    """Return W002 when the HNSW index is missing, W003 when it is of another kind."""
    kind = configured_kind()
    found = query(
        alias,
        """
        SELECT am.amname, opclass.opcname, index.indisvalid
        FROM pg_index AS index
        JOIN pg_class AS class ON class.oid = index.indexrelid
        JOIN pg_am AS am ON am.oid = class.relam
        JOIN pg_opclass AS opclass ON opclass.oid = index.indclass[0]
        WHERE index.indrelid = to_regclass(%s) AND class.relname = %s
        """,
        ["products", kind.name],
    )
    if not found:
        return [
            CheckWarning(
                f"The index {kind.name} is missing: every search reads the whole table.",
                hint="Run manage.py build_index.",
                id="products.W002",
            )
        ]
    method, operator_class, valid = found[0]
    if (method, operator_class, valid) != ("hnsw", kind.operator_class, True):
        state = "" if valid else ", and is not valid"
        return [
            CheckWarning(
                f"The index {kind.name} is {method} with {operator_class}{state}: it "
                "does not serve a search by cosine distance.",
                hint="Run manage.py build_index, which replaces it.",
                id="products.W003",
            )
        ]
    return []


def table_exists(alias: str) -> bool:
    """Return whether the first migration has run."""
    return query(alias, "SELECT to_regclass(%s)", ["products"]) != [(None,)]


def has_recipes(alias: str) -> bool:
    """Return whether the database can say which recipe is in force."""
    return (
        connections[alias].vendor == "postgresql"
        and router.allow_migrate_model(alias, EmbeddingRecipe)
        and query(alias, "SELECT to_regclass(%s)", [EmbeddingRecipe._meta.db_table])
        != [(None,)]
    )


def extension_installed(alias: str) -> bool:
    """Return whether pgvector is installed in the database."""
    return bool(query(alias, "SELECT 1 FROM pg_extension WHERE extname = 'vector'"))


def column_dimensions(alias: str) -> int | None:
    """Return the dimensions of products.embedding, None where it is missing."""
    found = query(
        alias,
        """
        SELECT atttypmod FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped
        """,
        ["products", "embedding"],
    )
    return found[0][0] if found else None


def query(alias: str, sql: str, params: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
