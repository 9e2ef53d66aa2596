"""The language of the catalogue's words, which the database alone decides.

A function in the database returns it. The words of products and those of queries are
both made with that, so they always belong together, whatever the settings of a process
say. The first `manage.py migrate` makes the function return the setting
CATALOG_LANGUAGE, and `manage.py set_language` another language.
"""

from __future__ import annotations

from django.db.models import Func, TextField
from psycopg.sql import SQL, Literal

from products.sql.statements import execute, rows

# CREATE FUNCTION takes no parameters. The body is parsed when it is made, so that also
# a VACUUM and a dump, which have no search_path, can call the function. Statements that
# call it are planned anew when it changes, although its result is in their plans.
FUNCTION = SQL("""
    CREATE OR REPLACE FUNCTION catalog_language() RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN {language}::regconfig
""")


class CatalogLanguage(Func):
    """The text search configuration of the catalogue's words."""

    function = "catalog_language"
    output_field = TextField()


def define_language(language: str, *, using: str) -> None:
    """Make or replace the function; the words that are stored stay as they are.

    language: a text search configuration of the database.
    """
    execute(FUNCTION.format(language=Literal(language)), using=using)


def drop_language(using: str) -> None:
    """Drop the function."""
    execute("DROP FUNCTION IF EXISTS catalog_language()", using=using)


def current_language(using: str) -> str | None:
    """Return the language of the database, None before it has one."""
    [(found,)] = rows("SELECT to_regproc('catalog_language')", using=using)
    if found is None:
        return None
    [(language,)] = rows("SELECT catalog_language()::text", using=using)
    return str(language)


def known_languages(using: str) -> list[str]:
    """Return the names of the database's text search configurations."""
    found = rows(
        "SELECT oid::regconfig::text FROM pg_ts_config ORDER BY 1", using=using
    )
    return [name for [name] in found]
