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
from products.models import DIMENSIONS, Product
from products.vector_index import configured_kind


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

    Runs with the database checks since it loads the model, half a second. A warning:
    the shop serves what is embedded already, and keyword search.
    """
    if databases is None:  # not asked for: before every other command
        return []
    try:
        get_backend().embed(["ready?"])
    except ImproperlyConfigured:
        return []  # products.E001 tells
    except EmbeddingError as err:
        return [
            CheckWarning(
                f"Texts cannot be embedded: {err}",
                hint="Searching by meaning and adding products need this to work.",
                id="products.W001",
            )
        ]
    return []


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

    Nothing is said before the first migration: the table is not there yet.
    """
    dimensions = column_dimensions(alias)
    if not extension_installed(alias):
        return [
            Error(
                f"The extension vector (pgvector) is not installed in database {alias!r}.",
                hint="Run manage.py migrate, or CREATE EXTENSION vector as a role that "
                "may. On Azure, allow VECTOR in the server parameter azure.extensions "
                "first.",
                id="products.E003",
            )
        ]
    if dimensions is None:
        return []
    messages: list[CheckMessage] = []
    if dimensions != DIMENSIONS:
        messages.append(
            Error(
                f"The column products.embedding holds {dimensions} numbers, the model "
                f"{DIMENSIONS}.",
                hint="Bring the column back to vector(384): see manage.py "
                "sqlmigrate products 0001.",
                id="products.E004",
            )
        )
    return messages + check_index(alias)


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


def extension_installed(alias: str) -> bool:
    """Return whether pgvector is installed in the database."""
    return bool(query(alias, "SELECT 1 FROM pg_extension WHERE extname = 'vector'"))


def column_dimensions(alias: str) -> int | None:
    """Return the dimensions of products.embedding, None before the first migration."""
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
