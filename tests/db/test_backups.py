"""A backup of the database, and what comes back of it."""

import os
import secrets
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import ConnectionHandler, connection

from products.models import DaySalt, Judgement, Product
from vectorshop.db.backups import BackupError, back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def empty():
    """A connection to an empty database on the server of the tests."""
    name = f"{connection.settings_dict['NAME']}_{secrets.token_hex(4)}"
    other = ConnectionHandler({"default": connection.settings_dict | {"NAME": name}})
    yield other["default"]
    other.close_all()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {connection.ops.quote_name(name)}")


def one_value(database, sql):
    with database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_a_backup_brings_products_vectors_and_indexes_back(empty, samples, tmp_path):
    Judgement.objects.create(query="lamp", product=Product.objects.first(), grade=3)
    nearest = (
        "SELECT sku FROM products ORDER BY embedding <=> "
        "(SELECT embedding FROM products WHERE sku = 'yoga-mat'), id OFFSET 1 LIMIT 1"
    )

    size = back_up(connection, tmp_path / "shop.dump")
    restore(empty, tmp_path / "shop.dump")

    assert size == (tmp_path / "shop.dump").stat().st_size
    assert one_value(empty, "SELECT count(*) FROM products") == 10
    assert one_value(empty, nearest) == one_value(connection, nearest)
    assert one_value(empty, "SELECT grade FROM products_judgement") == 3
    assert one_value(
        empty,
        "SELECT indisvalid FROM pg_index "
        "WHERE indexrelid = 'products_embedding_idx'::regclass",
    )
    # The sequence goes on behind the last product.
    assert one_value(
        empty, "SELECT nextval(pg_get_serial_sequence('products', 'id'))"
    ) > max(Product.objects.values_list("pk", flat=True))


@pytest.fixture
def owned(empty, monkeypatch):
    """The empty database as its owner sees it, who may make no extension there.

    As on a server where an administrator makes them, they are there already.
    """
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")
        extensions = [name for (name,) in cursor.fetchall()]
    name = empty.settings_dict["NAME"]
    with empty.cursor() as cursor:
        for extension in extensions:
            cursor.execute(f"CREATE EXTENSION {quote(extension)}")
        cursor.execute(f"CREATE ROLE {quote(name)} LOGIN")
        cursor.execute(f"ALTER DATABASE {quote(name)} OWNER TO {quote(name)}")
    (psql, *_), _ = empty.client.settings_to_cmd_args_env(empty.settings_dict, [])
    monkeypatch.setenv("PATH", str(Path(psql).parent), prepend=os.pathsep)
    owner = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": empty.get_connection_params()["host"],
        "NAME": name,
        "USER": name,
    }
    other = ConnectionHandler({"default": owner})
    yield other["default"]
    other.close_all()
    with empty.cursor() as cursor:
        cursor.execute(f"REASSIGN OWNED BY {quote(name)} TO CURRENT_USER")
        cursor.execute(f"DROP ROLE {quote(name)}")


def test_the_owner_restores_where_somebody_else_made_the_extensions(
    owned, samples, tmp_path
):
    back_up(connection, tmp_path / "shop.dump")
    restore(owned, tmp_path / "shop.dump")

    assert one_value(owned, "SELECT count(*) FROM products") == 10
    assert one_value(owned, "SELECT current_user") == owned.settings_dict["USER"]


def test_a_backup_is_read_by_its_owner_alone(samples, tmp_path):
    back_up(connection, tmp_path / "shop.dump")

    assert stat.S_IMODE((tmp_path / "shop.dump").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["shop.dump"]


def test_a_backup_has_no_salt_of_visitors_keys(empty, tmp_path):
    DaySalt.objects.create(day="2026-11-27", salt=b"salt")

    call_command("backup", str(tmp_path / "shop.dump"))
    restore(empty, tmp_path / "shop.dump")

    assert one_value(connection, "SELECT count(*) FROM products_day_salt") == 1
    assert one_value(empty, "SELECT count(*) FROM products_day_salt") == 0


def test_a_backup_that_fails_leaves_the_older_one(tmp_path, capfd):
    path = tmp_path / "shop.dump"
    path.write_text("yesterday's")
    missing = connection.settings_dict | {"NAME": "template0"}  # takes no connections

    with pytest.raises(BackupError, match="pg_dump ended with status 1"):
        back_up(ConnectionHandler({"default": missing})["default"], path)

    assert path.read_text() == "yesterday's"
    assert [found.name for found in tmp_path.iterdir()] == ["shop.dump"]
    assert "template0" in capfd.readouterr().err


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("backup", tmp_path / "nowhere" / "shop.dump")


def test_nothing_is_restored_over_tables(samples, tmp_path):
    back_up(connection, tmp_path / "shop.dump")

    with pytest.raises(CommandError, match="has [0-9]+ tables. Restore into an empty"):
        call_command("restore", tmp_path / "shop.dump")

    assert Product.objects.count() == 10


def test_a_file_that_is_no_backup_leaves_the_database_empty(empty, tmp_path, capfd):
    path = tmp_path / "shop.dump"
    path.write_text("not a backup")

    with pytest.raises(BackupError, match="pg_restore ended with status 1"):
        restore(empty, path)

    assert empty.introspection.table_names() == []
    assert "does not appear to be a valid archive" in capfd.readouterr().err


def test_half_a_backup_leaves_the_database_empty(empty, samples, tmp_path, capfd):
    path = tmp_path / "shop.dump"
    size = back_up(connection, path)
    with path.open("r+b") as file:
        file.truncate(size // 2)

    with pytest.raises(BackupError, match="pg_restore ended with status 1"):
        restore(empty, path)

    assert empty.introspection.table_names() == []
    assert capfd.readouterr().err


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CommandError, match="There is no file"):
        call_command("restore", tmp_path / "shop.dump")


def test_a_missing_program_is_named_with_advice(tmp_path, monkeypatch):
    settings = connection.settings_dict | {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {},
    }
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BackupError, match="apt-get install postgresql-client"):
        back_up(ConnectionHandler({"default": settings})["default"], tmp_path / "x")
