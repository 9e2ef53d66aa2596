"""Least-privilege database roles: an owner without login, an app that only sees rows.

The app's role may select, insert, update and delete; no table is its own. Migrations
run as the owner, through Django's ``assume_role``, signed in as an administrator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import DEFAULT_DB_ALIAS, ConnectionHandler
from psycopg import sql

from vectorshop.azure.deployment import DATABASE, PORT

OWNER = "vectorshop_owner"
ENGINE = "vectorshop.db.entra"
KINDS = ("service", "user", "group")
DML = sql.SQL("SELECT, INSERT, UPDATE, DELETE")
# Tables and sequences of the schema public that belong to *role* and to no extension.
RELATIONS = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = ANY(%s)
      AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = %s)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname
"""
TABLE_KINDS, SEQUENCE_KINDS = ["r", "p"], ["S"]


@dataclass(frozen=True)
class Principal:
    """An Entra identity that becomes a role; a managed identity is a "service".

    Azure accepts tokens by the object id, not by the name, which may be ambiguous.
    """

    name: str
    object_id: str
    kind: str = "service"


def connect(host: str, user: str) -> BaseDatabaseWrapper:
    """Return Django's connection as *user*, with the token of az's account.

    The database is `postgres`, the only one that has Azure's functions for roles.
    """
    settings = {
        "ENGINE": ENGINE,
        "HOST": host,
        "PORT": str(PORT),
        "NAME": DATABASE,
        "USER": user,
        "OPTIONS": {"entra": {"credential": "cli"}},
    }
    # Under this alias no hook of Django looks types up in the project's own database.
    handler = ConnectionHandler({DEFAULT_DB_ALIAS: {}, NO_DB_ALIAS: settings})
    return handler[NO_DB_ALIAS]


def own_session(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return a new connection by the same sign-in, as the user and not as the owner.

    Where roles are made, the owner may not exist yet.
    """
    own = connection.copy(NO_DB_ALIAS)
    own.settings_dict["NAME"] = DATABASE
    for option in ("assume_role", "pool"):
        own.settings_dict["OPTIONS"].pop(option, None)
    return own


def create(
    connection: BaseDatabaseWrapper, principal: Principal, *, dry_run: bool = False
) -> list[str]:
    """Return the statements that made both roles and their rights, as they were run.

    They run in one transaction, with *dry_run* not at all. A second run only gives the
    owner the tables that the administrator has made meanwhile. Raises CommandError
    when the role is somebody else's or an administrator's, or when the database
    refuses. Source:
    https://learn.microsoft.com/azure/postgresql/security/security-manage-entra-users
    """
    try:
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            texts = [
                statement.as_string(cursor.connection)
                for statement in statements(cursor, principal)
            ]
            for text in texts if not dry_run else ():
                cursor.execute(text)
        connection.commit()
        return texts
    except DatabaseError as err:
        raise CommandError(
            f"Nothing was changed in the database: {str(err).strip()}"
        ) from err
    finally:
        connection.close()  # which rolls back what was not committed


def planned(principal: Principal) -> list[str]:
    """Return the statements that create() runs in a database without tables."""
    return [
        statement.as_string()
        for statement in (
            *owner_statements(False, []),
            principal_statement(principal),
            *right_statements(principal.name, [], []),
        )
    ]


def statements(cursor: CursorWrapper, principal: Principal) -> Iterator[sql.Composed]:
    """Yield what is to run, after a look at the database."""
    mine = relations(cursor, TABLE_KINDS, session_user(cursor))
    owners = relations(cursor, TABLE_KINDS, OWNER)
    sequences = [
        sequence
        for role in (session_user(cursor), OWNER)
        for sequence in relations(cursor, SEQUENCE_KINDS, role)
    ]
    yield from owner_statements(exists(cursor, OWNER), mine)
    if exists(cursor, principal.name):
        check_same(cursor, principal)
    else:
        yield principal_statement(principal)
    yield from right_statements(principal.name, mine + owners, sequences)


def principal_statement(principal: Principal) -> sql.Composed:
    """Return what makes the role of an Entra identity."""
    return sql.SQL(
        "SELECT pgaadauth_create_principal_with_oid({}, {}, {}, false, false)"
    ).format(principal.name, principal.object_id, principal.kind)


def owner_statements(
    owner_exists: bool, tables: list[sql.Identifier]
) -> Iterator[sql.Composed]:
    """Yield what makes the owner of *tables* and lets the administrator act as it."""
    owner = sql.Identifier(OWNER)
    # Only a member of azure_pg_admin may do this, so no migration run by the owner can.
    yield sql.Composed([sql.SQL("CREATE EXTENSION IF NOT EXISTS vector")])
    if not owner_exists:
        yield sql.SQL("CREATE ROLE {} NOLOGIN").format(owner)
    # Since PostgreSQL 16 the maker of a role may not act as it without this.
    yield sql.SQL("GRANT {} TO CURRENT_USER").format(owner)
    yield sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(owner)
    for table in tables:
        yield sql.SQL("ALTER TABLE {} OWNER TO {}").format(table, owner)


def right_statements(
    name: str, tables: list[sql.Identifier], sequences: list[sql.Identifier]
) -> Iterator[sql.Composed]:
    """Yield what lets the app use the owner's tables, now and in future."""
    app, owner = sql.Identifier(name), sql.Identifier(OWNER)
    yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
        sql.Identifier(DATABASE), app
    )
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(app)
    for what, kind in ((DML, "TABLES"), (sql.SQL("USAGE"), "SEQUENCES")):
        yield sql.SQL(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT {} ON {} TO {}"
        ).format(owner, what, sql.SQL(kind), app)
    for table in tables:
        yield sql.SQL("GRANT {} ON TABLE {} TO {}").format(DML, table, app)
    for sequence in sequences:
        yield sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(sequence, app)


def session_user(cursor: CursorWrapper) -> str:
    cursor.execute("SELECT CURRENT_USER")
    return str(cursor.fetchone()[0])


def exists(cursor: CursorWrapper, role: str) -> bool:
    cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
    return bool(cursor.fetchone()[0])


def relations(
    cursor: CursorWrapper, kinds: list[str], role: str
) -> list[sql.Identifier]:
    cursor.execute(RELATIONS, [kinds, role])
    return [sql.Identifier("public", name) for (name,) in cursor.fetchall()]


def check_same(cursor: CursorWrapper, principal: Principal) -> None:
    """Raise CommandError when the role is another identity's or an administrator's."""
    cursor.execute(
        "SELECT objectid, isadmin::int FROM pgaadauth_list_principals(false) "
        "WHERE rolname = %s",
        [principal.name],
    )
    object_id, is_admin = cursor.fetchone() or ("", 0)
    if str(object_id).lower() != principal.object_id.lower():
        belongs = (
            f"to the object id {object_id}" if object_id else "to no Entra identity"
        )
        raise CommandError(
            f"The role {principal.name} exists already and belongs {belongs}, not to "
            f"{principal.object_id}. Choose another name."
        )
    if is_admin:
        raise CommandError(
            f"{principal.name} is an administrator of the server, so its rights cannot "
            "be narrowed. Use another identity for the app."
        )
