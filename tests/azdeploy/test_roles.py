"""Roles on a real PostgreSQL, made by an administrator who is not a superuser.

Azure's functions pgaadauth_* are stood in for by functions of these names; the rights,
and what they refuse, are PostgreSQL's own.
"""

import psycopg
import pytest
from django.core.management import CommandError
from django.db.backends.base.base import NO_DB_ALIAS

from tests.azdeploy.test_create import SERVER
from tests.stand_ins import az
from vectorshop.azure import roles
from vectorshop.azure.roles import Principal

APP = Principal("shop-app", "aaaaaaaa-0000-4000-8000-000000000001")


def run(connection, statement):
    """Run one statement on a connection of its own; return its rows, if any."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def as_owner(connect, statement):
    """Run a migration's statement: the administrator, acting as the owner."""
    run(connect("ada"), f"SET ROLE {roles.OWNER}; {statement}")


PRODUCTS = "CREATE TABLE products (id bigint GENERATED ALWAYS AS IDENTITY, name text)"


@pytest.fixture
def app(connect):
    """Return a connection of the app's role, with a migrated table to work on."""
    roles.create(connect("ada"), APP)
    as_owner(connect, PRODUCTS)
    return connect(APP.name)


def test_the_app_reads_and_writes_rows_of_tables_made_later(app):
    run(app, "INSERT INTO products (name) VALUES ('Lamp')")
    run(app, "UPDATE products SET name = 'Desk lamp'")

    assert run(app, "SELECT id, name FROM products") == [(1, "Desk lamp")]
    assert run(app, "DELETE FROM products RETURNING id") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE products",
        "ALTER TABLE products ADD COLUMN x int",
        "TRUNCATE products",
        "CREATE TABLE mine (id int)",
        "CREATE INDEX ON products (name)",
        f"SET ROLE {roles.OWNER}",
        "SET ROLE ada",
        f"GRANT {roles.OWNER} TO CURRENT_USER",
        "CREATE ROLE other",
        "COPY products TO PROGRAM 'cat'",
    ],
)
def test_the_app_may_do_nothing_else(app, statement):
    with pytest.raises(Exception, match="permission denied|must be owner"):
        run(app, statement)


def test_the_owner_cannot_log_in(connect):
    roles.create(connect("ada"), APP)

    with pytest.raises(Exception, match="not permitted to log in"):
        run(connect(roles.OWNER), "SELECT 1")


def test_tables_that_the_administrator_made_before_change_hands(connect):
    run(connect("ada"), PRODUCTS)
    run(connect("ada"), "CREATE TABLE old (id serial)")

    roles.create(connect("ada"), APP)

    run(connect(APP.name), "INSERT INTO old DEFAULT VALUES")
    run(connect(APP.name), "INSERT INTO products (name) VALUES ('Lamp')")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename IN ('old','products')"
    assert run(connect("ada"), owners) == [(roles.OWNER,)]


def test_making_the_role_again_changes_nothing(connect):
    rights = (
        "SELECT rolname, rolcanlogin, (SELECT array_agg(defaclacl::text) FROM "
        "pg_default_acl) FROM pg_roles WHERE oid > 16383 ORDER BY 1"
    )
    roles.create(connect("ada"), APP)
    before = run(connect("ada"), rights)

    again = roles.create(connect("ada"), APP)

    assert run(connect("ada"), rights) == before
    assert not any("CREATE ROLE" in text or "pgaadauth" in text for text in again)


def test_a_second_app_gets_the_same_rights(connect, app):
    second = Principal("second", "aaaaaaaa-0000-4000-8000-000000000002", "user")

    roles.create(connect("ada"), second)

    assert run(connect("second"), "SELECT * FROM products") == []


def test_dry_run_returns_the_statements_and_changes_nothing(connect):
    statements = roles.create(connect("ada"), APP, dry_run=True)

    assert 'CREATE ROLE "vectorshop_owner" NOLOGIN' in statements
    assert (
        run(connect("ada"), "SELECT 1 FROM pg_roles WHERE rolname = 'shop-app'") == []
    )


def test_a_name_with_quotes_and_percent_signs_is_only_a_name(connect):
    name = "o'brien\"; DROP TABLE products; -- 100%s"

    roles.create(connect("ada"), Principal(name, APP.object_id))

    assert run(connect(name), "SELECT CURRENT_USER") == [(name,)]


def test_a_role_of_another_identity_is_not_taken_over(connect):
    roles.create(connect("ada"), APP)

    with pytest.raises(CommandError, match=f"belongs to the object id {APP.object_id}"):
        roles.create(connect("ada"), Principal(APP.name, az.OBJECT_ID))


def test_a_role_without_identity_is_not_taken_over(connect):
    run(connect("ada"), 'CREATE ROLE "shop-app" LOGIN')

    with pytest.raises(CommandError, match="belongs to no Entra identity"):
        roles.create(connect("ada"), APP)


def test_an_administrator_is_refused_as_the_apps_role(connect, postgres):
    roles.create(connect("ada"), APP)
    with psycopg.connect(**postgres) as superuser:
        superuser.execute("UPDATE principals SET isadmin = 1")

    with pytest.raises(CommandError, match="is an administrator"):
        roles.create(connect("ada"), APP)


def test_a_refusal_half_way_leaves_nothing(connect, postgres):
    with psycopg.connect(**postgres) as superuser:
        superuser.execute("REVOKE ALL ON SCHEMA public FROM ada CASCADE")
        superuser.execute(
            "DROP FUNCTION pgaadauth_create_principal_with_oid(text, text, text, bool, bool)"
        )

    with pytest.raises(CommandError, match="Nothing was changed"):
        roles.create(connect("ada"), APP)

    made = "SELECT rolname FROM pg_roles WHERE oid > 16383 AND NOT rolsuper"
    assert run(connect("ada"), made) == [("ada",)]


@pytest.fixture
def role_command(azure, connect, monkeypatch):
    """Let `azdeploy role` reach the local server; return where it wanted to go."""
    admins = {az.OBJECT_ID: ["ada", "User"]}
    azure.change(servers={SERVER: az.server(SERVER, _admins=admins)})
    wanted = []

    def local(host, user):
        wanted.append((host, user))
        return connect(user)

    monkeypatch.setattr(roles, "connect", local)
    return wanted


def test_the_command_connects_as_the_administrator_and_shows_what_it_ran(
    azure, role_command, connect
):
    run_ = azure.run("role", APP.name, "--object-id", APP.object_id)

    assert run_.status == 0
    assert role_command == [(f"{SERVER}.postgres.database.azure.com", "ada")]
    assert f"'{APP.object_id}', 'service', false, false);" in run_.text
    assert "DB_USER=shop-app" in run_.text
    assert run(connect(APP.name), "SELECT 1") == [(1,)]


def test_the_command_refuses_what_is_not_an_object_id(azure, role_command):
    run_ = azure.run("role", APP.name, "--object-id", "shop-app")

    assert run_.status == 1
    assert "is not an object id" in run_.text
    assert run_.calls == []


def test_the_connection_is_the_entra_backends_with_azs_account():
    settings = {}

    class Handler:
        def __init__(self, databases):
            settings.update(databases[NO_DB_ALIAS])

        def __getitem__(self, alias):
            return alias

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roles, "ConnectionHandler", Handler)
        roles.connect("db.example", "ada@example.org")

    assert settings == {
        "ENGINE": "vectorshop.db.entra",
        "HOST": "db.example",
        "PORT": "5432",
        "NAME": "postgres",
        "USER": "ada@example.org",
        "OPTIONS": {"entra": {"credential": "cli"}},
    }
