"""System checks: is the catalogue's set-up one that search can work with?

`manage.py check` looks at the settings; `manage.py check --database default` also asks
the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import (
    ERROR,
    CheckMessage,
    Error,
    Tags,
    Warning as CheckWarning,
    register,
)
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from products.currency import shop_currency
from products.embeddings import (
    EmbeddingError,
    WrongDimension,
    get_backend,
    path_today,
)
from products.models import DIMENSIONS, EmbeddingRecipe, Product
from products.pictures.elsewhere import hosts_elsewhere
from products.sql.language import current_language, known_languages
from products.sql.own_session import own_session
from products.sql.pgvector_version import (
    OLDEST,
    PARALLEL_BUILDS_WORK,
    VACUUM_WORKS,
    Version,
    installed_version,
    offered_version,
)
from products.sql.statements import rows
from products.synonyms import MOST_WORDS
from products.upkeep.vector_index import configured_kind

# Of random_page_cost. PostgreSQL's default, 4, is that of a disk that turns.
MAX_PAGE_COST = 2
# Since then an index that orders by distance may serve a sort by further keys. See
# https://www.postgresql.org/docs/17/release-17.html (incremental sorts on GiST).
INDEX_GIVES_FIRST_KEY = 170_000

# PostgreSQL's version, as a number, from which it says where a value is stored.
TELLS_CHUNKS = 170_000

LOST = (
    "Run manage.py embed_products: until then no search finds those of the other "
    "recipe. To change the model without that gap, set EMBEDDING_BACKEND back and run "
    "manage.py migrate_embeddings --to {backend}"
)


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


@register
def check_model_language(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W023 for a model that was not made for the catalogue's language."""
    if check_backend(None):
        return []
    backend, language = get_backend(), settings.CATALOG_LANGUAGE
    if backend.languages is None or language in (*backend.languages, "simple"):
        return []
    return [
        CheckWarning(
            f"CATALOG_LANGUAGE is {language}, and {backend.model} was made for "
            f"{', '.join(backend.languages)}: searches by meaning miss much.",
            hint='Choose a model of many languages, see "Another language" in '
            "docs/embeddings.md.",
            id="products.W023",
        )
    ]


@register
def check_currency(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W030 where no ISO 4217 code is known for the currency of the prices."""
    if shop_currency():
        return []
    return [
        CheckWarning(
            f"CURRENCY={settings.CURRENCY!r} is no code of ISO 4217, nor a sign of one "
            "currency alone. Search engines get no price, agents no catalogue, and "
            "feeds cannot be written.",
            hint="Set CURRENCY to the code of your currency, such as USD or EUR.",
            id="products.W030",
        )
    ]


@register(Tags.database)
def check_sessions(
    databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W012 where a pooler shares out sessions that should be the shop's own."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        if connections[alias].vendor != "postgresql":
            continue
        if unknown_pooler(alias):
            messages.append(
                CheckWarning(
                    f"A pooler, such as PgBouncer, stands before database {alias!r}, "
                    "and the settings do not know of it: pages fail with errors about "
                    "prepared statements, or show each other's answers.",
                    hint="Set DB_POOLER=true; the other checks of the database then run.",
                    id="products.W012",
                )
            )
            continue
        with own_session(alias, needed=False):
            if unknown_pooler(alias):
                messages.append(
                    CheckWarning(
                        f"The way past the pooler of database {alias!r} leads through "
                        "a pooler: imports and builds of the index will fail.",
                        hint="Set DB_DIRECT_HOST and DB_DIRECT_PORT to where PostgreSQL "
                        "itself listens.",
                        id="products.W012",
                    )
                )
    return messages


@register(Tags.database)
def check_embedder(
    databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W001 when the backend cannot embed a text, E007 for another dimension.

    Runs only where a database is asked for: it loads the model, which is slow, and
    every command runs the other checks. It is a warning because the shop still serves
    what is embedded already, and keyword search.
    """
    if not databases:
        return []
    messages: list[CheckMessage] = []
    for alias in databases:
        if unknown_pooler(alias):
            continue
        try:
            backend = (
                EmbeddingRecipe.objects.current(alias).embedder()
                if has_recipes(alias)
                else get_backend()
            )
            backend.embed(["ready?"])
        except ImproperlyConfigured:
            return []  # products.E001 reports it
        except WrongDimension as err:
            messages.append(
                Error(
                    str(err),
                    hint="Nothing can be embedded until the model's vectors fit the "
                    f"column products.embedding, which holds {DIMENSIONS} numbers. See "
                    '"Another dimension" in docs/embeddings.md.',
                    id="products.E007",
                )
            )
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
        and not unknown_pooler(alias)
        for message in check_alias(alias)
    ]


def check_alias(alias: str) -> list[CheckMessage]:
    """Return what is wrong with the table of products in one database.

    E003: the extension is missing. E004: the column has another dimension. Also what
    check_pgvector(), check_postgresql(), check_language(), check_index(),
    check_planner(), check_storage(), check_synonyms(), check_states() and
    check_agreement() return.
    Before the first migration, which enables the extension, only the versions and the
    language are checked: `manage.py migrate` runs these checks first.
    """
    messages = check_pgvector(alias) + check_postgresql(alias) + check_language(alias)
    if not table_exists("products", alias) or has_error(messages):
        return messages
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
    readable = (
        has_recipes(alias) and not has_error(messages) and not check_backend(None)
    )
    messages += check_index(alias) + check_planner(alias) + check_storage(alias)
    messages += check_synonyms(alias)
    if readable:
        messages += check_agreement(alias) + check_states(alias)
        messages += check_pictures(alias)
    return messages


def has_error(messages: list[CheckMessage]) -> bool:
    return any(message.level >= ERROR for message in messages)


def check_pgvector(alias: str) -> list[CheckMessage]:
    """Return E005 for a pgvector that is too old, W013 and W014 for one with faults.

    That is the one in the database or, before it is enabled, the one on the server.
    """
    installed, offered = installed_version(using=alias), offered_version(using=alias)
    version = installed or offered
    if version is None:
        return []
    if version < OLDEST:
        return [
            Error(
                f"Database {alias!r} has pgvector {version}. The oldest that this shop "
                f"works with is {OLDEST}: older ones have no iterative index scan, and "
                "a search with a filter would find too little.",
                hint=newer_pgvector(offered, OLDEST),
                id="products.E005",
            )
        ]
    messages: list[CheckMessage] = []
    if version < PARALLEL_BUILDS_WORK:
        messages.append(
            CheckWarning(
                f"Database {alias!r} has pgvector {version}, whose parallel builds of an "
                "HNSW index can crash the server or show it other tables' data "
                "(CVE-2026-3172). The shop builds with one process, which takes longer.",
                hint=newer_pgvector(offered, PARALLEL_BUILDS_WORK),
                id="products.W013",
            )
        )
    if version < VACUUM_WORKS:
        messages.append(
            CheckWarning(
                f"Database {alias!r} has pgvector {version}, whose VACUUM can damage an "
                "HNSW index that is written to at the same time.",
                hint=f"{newer_pgvector(offered, VACUUM_WORKS)} Until then, if VACUUM says "
                "'hnsw graph not repaired', or a search 'different vector dimensions', "
                "run manage.py build_index.",
                id="products.W014",
            )
        )
    return messages


def check_postgresql(alias: str) -> list[CheckMessage]:
    """Return W015 for a PostgreSQL that never reads the HNSW index."""
    sql = "SELECT current_setting('server_version_num')::integer"
    [(version,)] = rows(sql, using=alias)
    if version >= INDEX_GIVES_FIRST_KEY:
        return []
    return [
        CheckWarning(
            f"The PostgreSQL of database {alias!r} is older than 17: it takes no index "
            "for an order by distance and id, so every search reads the whole table.",
            hint="Move to PostgreSQL 17 or newer.",
            id="products.W015",
        )
    ]


def newer_pgvector(offered: Version | None, needed: Version) -> str:
    """Return how to get *needed*, where the server offers the version *offered*."""
    if offered and offered >= needed:
        return f"The server has {offered}: run ALTER EXTENSION vector UPDATE in it."
    return (
        f"Install pgvector {needed} or newer on the server, then run ALTER EXTENSION "
        "vector UPDATE. Azure chooses the version itself: docs/azure.md lists them."
    )


def check_language(alias: str) -> list[CheckMessage]:
    """Return E006 for a language without words, W022 for another than the database's."""
    language, known = settings.CATALOG_LANGUAGE, known_languages(alias)
    if language not in known:
        return [
            Error(
                f"CATALOG_LANGUAGE is {language!r}, and database {alias!r} has no such "
                "text search configuration.",
                hint=f"Set it to one of {', '.join(known)}.",
                id="products.E006",
            )
        ]
    stored = current_language(alias)
    if stored in (None, language):
        return []
    return [
        CheckWarning(
            f"CATALOG_LANGUAGE is {language}; the words of database {alias!r} are "
            f"{stored}, and all searches go on using that.",
            hint=f"Run manage.py set_language {language}, or set "
            f"CATALOG_LANGUAGE={stored}",
            id="products.W022",
        )
    ]


def check_index(alias: str) -> list[CheckMessage]:
    """Return W002 when the HNSW index is missing, W003 when it is of another kind."""
    kind = configured_kind()
    found = rows(
        """
        SELECT am.amname, opclass.opcname, index.indisvalid
        FROM pg_index AS index
        JOIN pg_class AS class ON class.oid = index.indexrelid
        JOIN pg_am AS am ON am.oid = class.relam
        JOIN pg_opclass AS opclass ON opclass.oid = index.indclass[0]
        WHERE index.indrelid = to_regclass(%s) AND class.relname = %s
        """,
        ["products", kind.name],
        using=alias,
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


def check_planner(alias: str) -> list[CheckMessage]:
    """Return W020 when the planner thinks that the index lies on a disk that turns."""
    [(cost,)] = rows("SELECT current_setting('random_page_cost')::float8", using=alias)
    if cost <= MAX_PAGE_COST:
        return []
    return [
        CheckWarning(
            f"random_page_cost is {cost:g} in the sessions of database {alias!r}: of "
            "some thousand products PostgreSQL reads all vectors instead of the index.",
            hint="On an SSD set DB_RANDOM_PAGE_COST=1.1. Behind PgBouncer, which takes "
            "no settings from a session, sign in as the shop's role and run: "
            "ALTER ROLE CURRENT_USER SET random_page_cost = 1.1",
            id="products.W020",
        )
    ]


def check_storage(alias: str) -> list[CheckMessage]:
    """Return W021 when most vectors are stored outside of their rows.

    So they were before a migration changed that for the rows to come. One statement,
    which reads all rows. Before PostgreSQL 17 nothing tells.
    """
    [(version,)] = rows(
        "SELECT current_setting('server_version_num')::int", using=alias
    )
    if version < TELLS_CHUNKS:
        return []
    [(vectors, outside)] = rows(
        "SELECT count(embedding), count(pg_column_toast_chunk_id(embedding)) "
        "FROM products",
        using=alias,
    )
    if outside * 2 <= vectors:
        return []
    return [
        CheckWarning(
            f"Of {vectors} vectors, {outside} are stored outside of their rows, where "
            "each comparison has to fetch them.",
            hint="In a quiet hour run VACUUM FULL products; in manage.py dbshell: it "
            'locks the table meanwhile. See "Where the vectors are stored" in '
            "docs/performance.md.",
            id="products.W021",
        )
    ]


def check_synonyms(alias: str) -> list[CheckMessage]:
    """Return W025 when not all synonyms are used, since there are so many."""
    if not table_exists("products_synonym", alias):
        return []
    counted = (
        "SELECT sum(cardinality(words) + cardinality(finds)) FROM products_synonym"
    )
    [(words,)] = rows(counted, using=alias)
    if (words or 0) <= MOST_WORDS:
        return []
    return [
        CheckWarning(
            f"The synonyms in database {alias!r} have {words:,} words. Searches use the "
            f"oldest of them, up to {MOST_WORDS:,} words.",
            hint="Delete those that nobody searches for, in the admin, or with "
            "manage.py export_synonyms and import_synonyms --delete-missing.",
            id="products.W025",
        )
    ]


def check_states(alias: str) -> list[CheckMessage]:
    """Return W010 when products need embedding, with how many of each state there are.

    One statement, which reads all rows.
    """
    states = Product.objects.using(alias).embedding_states()
    total = sum(states.values())
    if states["fresh"] + states["unknown"] == total:
        return check_known_words(states["unknown"], total, alias)
    hint = "Run manage.py embed_products, or keep embed_products --watch running."
    if states["other_recipe"]:
        hint = LOST.format(backend=settings.EMBEDDING_BACKEND)
    return [
        CheckWarning(
            f"Of {total} products, {states['missing']} have no embedding, "
            f"{states['stale']} have changed since, and {states['other_recipe']} are "
            "embedded by another recipe.",
            hint=hint,
            id="products.W010",
        )
    ] + check_known_words(states["unknown"], total, alias)


def check_pictures(alias: str) -> list[CheckMessage]:
    """Return W027 when pictures are at addresses that no page shows."""
    if not column_exists("image", alias):  # `migrate` runs the checks first
        return []
    hosts = hosts_elsewhere(alias)
    if not hosts:
        return []
    most = [f"{host} ({count})" for host, count in hosts.items()][:5]
    return [
        CheckWarning(
            f"Of {sum(hosts.values())} products in database {alias!r} the picture is at "
            f"an address that no page shows: {', '.join(most)}. They show a drawing.",
            hint="Name the hosts in IMAGE_HOSTS, with commas between. Only addresses "
            "with https are shown.",
            id="products.W027",
        )
    ]


def check_known_words(unknown: int, total: int, alias: str) -> list[CheckMessage]:
    """Return W024 when the model knows no word of some products."""
    if not unknown:
        return []
    return [
        CheckWarning(
            f"Of {total} products, {unknown} have no word that the model "
            f"{EmbeddingRecipe.objects.current(alias)} knows: they have no embedding, "
            "and are found by their words alone.",
            hint='Choose a model of many languages, see "Another language" in '
            "docs/embeddings.md. The admin's filter by embedding lists the products.",
            id="products.W024",
        )
    ]


def check_agreement(alias: str) -> list[CheckMessage]:
    """Return W011 when the setting names another backend than the database."""
    recipe = EmbeddingRecipe.objects.using(alias).first()
    configured = settings.EMBEDDING_BACKEND
    if recipe is None or path_today(recipe.backend) == path_today(configured):
        return []
    message = (
        f"EMBEDDING_BACKEND is {configured}; the products are embedded by "
        f"{recipe.backend}, and all processes go on using that."
    )
    hint = f"Set EMBEDDING_BACKEND={recipe.backend}"
    if recipe.fingerprint != get_backend().fingerprint:
        hint += f", or run manage.py migrate_embeddings --to {configured}"
    return [CheckWarning(message, hint=hint, id="products.W011")]


def unknown_pooler(alias: str) -> bool:
    """Return whether sessions are shared out although the settings say nothing of it.

    A pooler tells its client a process id of its own making, to cancel queries by.
    """
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return False
    if "pooler" in connection.settings_dict["OPTIONS"]:
        return False
    [(process,)] = rows("SELECT pg_backend_pid()", using=alias)
    return bool(connection.connection.info.backend_pid != process)


def has_recipes(alias: str) -> bool:
    """Return whether the database can say which recipe is in force."""
    return (
        connections[alias].vendor == "postgresql"
        and router.allow_migrate_model(alias, EmbeddingRecipe)
        and table_exists(EmbeddingRecipe._meta.db_table, alias)
    )


def table_exists(name: str, alias: str) -> bool:
    """Return whether a migration has made the table."""
    return rows("SELECT to_regclass(%s)", [name], using=alias) != [(None,)]


def extension_installed(alias: str) -> bool:
    """Return whether pgvector is installed in the database."""
    return bool(
        rows("SELECT 1 FROM pg_extension WHERE extname = 'vector'", using=alias)
    )


def column_exists(name: str, alias: str) -> bool:
    """Return whether a migration has made a column of products."""
    sql = (
        "SELECT 1 FROM pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped"
    )
    return bool(rows(sql, ["products", name], using=alias))


def column_dimensions(alias: str) -> int | None:
    """Return the dimensions of products.embedding, None where it is missing."""
    found = rows(
        """
        SELECT atttypmod FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped
        """,
        ["products", "embedding"],
        using=alias,
    )
    return found[0][0] if found else None
