"""System checks: each one made true by really breaking what it looks at."""

import os
import subprocess
import sys
from hashlib import md5

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from products import checks
from products.checks import newer_pgvector
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from products.models import Product, Synonym
from products.sql.language import define_language
from products.sql.pgvector_version import Version
from tests.backends import LATIN
from tests.factory import make_product

INDEX = "products_embedding_idx"


class SmallBackend(Deterministic):
    dimensions = 330


def found():
    """The ids of what manage.py check finds of this project, with the database."""
    messages = run_checks(databases=["default"])
    ours = [message for message in messages if message.id.startswith("products.")]
    assert all(message.msg and message.hint for message in ours)
    return [message.id for message in ours]


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_a_sound_shop_has_nothing_to_tell():
    assert found() == []


@pytest.mark.django_db
def test_the_bundled_model_has_nothing_to_tell(real_model):
    assert found() == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["nowhere.Backend", "decimal.Decimal"])
def test_a_setting_that_names_no_backend_is_an_error(settings, path):
    settings.EMBEDDING_BACKEND = path

    assert found() == ["products.E001"]


@pytest.mark.django_db
def test_a_backend_of_another_dimension_is_an_error(settings):
    settings.EMBEDDING_BACKEND = "tests.test_checks.SmallBackend"

    assert found() == ["products.E002"]


@pytest.mark.django_db
@pytest.mark.usefixtures("broken_model")
def test_an_embedder_that_does_not_load_is_a_warning():
    assert found() == ["products.W001"]


@pytest.mark.django_db
def test_a_missing_extension_is_an_error():
    execute("DROP EXTENSION vector CASCADE")

    assert found() == ["products.E003"]


@pytest.mark.django_db
def test_a_column_of_another_dimension_is_an_error():
    execute("ALTER TABLE products ALTER COLUMN embedding TYPE vector(330)")

    assert found() == ["products.E004"]


@pytest.mark.django_db
def test_a_column_without_dimension_is_an_error():
    execute(f"DROP INDEX {INDEX}")
    execute("ALTER TABLE products ALTER COLUMN embedding TYPE vector")

    assert found() == ["products.E004", "products.W002"]


@pytest.mark.django_db
def test_a_missing_index_is_a_warning():
    execute(f"DROP INDEX {INDEX}")

    assert found() == ["products.W002"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind",
    [
        "hnsw (embedding vector_l2_ops)",
        "hnsw (embedding vector_ip_ops)",
        "ivfflat (embedding vector_cosine_ops) WITH (lists = 1)",
        "btree (price)",
    ],
)
def test_an_index_of_another_kind_is_a_warning(kind):
    execute(f"DROP INDEX {INDEX}")
    execute(f"CREATE INDEX {INDEX} ON products USING {kind}")

    assert found() == ["products.W003"]


@pytest.mark.django_db
def test_an_index_that_is_not_valid_is_a_warning():
    execute(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = to_regclass('products_embedding_idx')"
    )

    assert found() == ["products.W003"]


@pytest.mark.django_db
@pytest.mark.parametrize(("cost", "ids"), [("4", ["products.W020"]), ("2", [])])
def test_a_planner_that_shuns_the_index_is_a_warning(cost, ids):
    execute(f"SET LOCAL random_page_cost = {cost}")

    assert found() == ids


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("outside", "ids"), [(2, []), (3, ["products.W021"])], ids=["half", "most"]
)
def test_vectors_outside_of_their_rows_are_a_warning(outside, ids):
    # 36 words of 32 letters: together with the vector, which is the largest of its
    # columns, more than a row holds.
    letters = str.maketrans("0123456789", "ghijklmnop")
    words = [
        md5(str(number).encode()).hexdigest().translate(letters) for number in range(36)
    ]
    for number in range(4):
        storage = "EXTERNAL" if number < outside else "MAIN"
        execute(f"ALTER TABLE products ALTER COLUMN embedding SET STORAGE {storage}")
        make_product(description=" ".join(words))

    assert found() == ids


@pytest.mark.django_db
def test_nothing_is_said_of_tables_before_the_first_migration():
    execute("DROP TABLE products CASCADE")
    execute("DROP EXTENSION vector")

    assert found() == []


@pytest.mark.django_db(transaction=True)
def test_a_new_database_can_be_migrated():
    name = connection.settings_dict["NAME"] + "_new"

    run = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DB_NAME": name},
        capture_output=True,
        text=True,
    )
    execute(f'DROP DATABASE "{name}"')

    assert run.returncode == 0, run.stderr


@pytest.mark.usefixtures("broken_model")
def test_without_a_database_only_the_settings_are_looked_at():
    # No mark django_db: a query would fail this test. Every command runs these
    # checks; loading a model would delay each of them.
    assert run_checks(databases=None) == []


def say_that_pgvector_is(version):
    """Let PostgreSQL name another version, for the length of this transaction."""
    sql = "UPDATE pg_extension SET extversion = %s WHERE extname = 'vector'"
    with connection.cursor() as cursor:
        cursor.execute(sql, [version])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "version, ids",
    [
        ("0.6.2", ["products.E005"]),
        ("0.7.4", ["products.E005"]),
        ("0.8.0", ["products.W013", "products.W014"]),
        ("0.8.1", ["products.W013", "products.W014"]),
        ("0.8.2", ["products.W014"]),
        ("0.8.3", ["products.W014"]),
        ("0.8.4", []),
        ("0.8.10", []),
        ("0.9", []),
        ("1.0.0-beta1", []),
    ],
)
def test_the_version_of_pgvector_decides_what_is_wrong_with_it(version, ids):
    say_that_pgvector_is(version)

    assert found() == ids


@pytest.mark.django_db
def test_a_postgresql_that_never_reads_the_index_is_a_warning(monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        [version] = map(int, cursor.fetchone())

    for first, ids in ((version, []), (version + 1, ["products.W015"])):
        monkeypatch.setattr(checks, "INDEX_GIVES_FIRST_KEY", first)
        assert found() == ids


@pytest.mark.django_db
def test_a_pgvector_that_is_too_old_is_refused_by_name():
    say_that_pgvector_is("0.7.4")

    [message] = run_checks(databases=["default"])

    assert (
        "has pgvector 0.7.4. The oldest that this shop works with is 0.8.0"
        in message.msg
    )
    assert "run ALTER EXTENSION vector UPDATE" in message.hint  # the server has newer


def test_the_hint_is_the_update_only_where_the_server_has_the_version():
    offers = newer_pgvector(Version(0, 8, 5), Version(0, 8, 4))
    lacks = newer_pgvector(Version(0, 8, 1), Version(0, 8, 4))

    assert offers == "The server has 0.8.5: run ALTER EXTENSION vector UPDATE in it."
    assert lacks.startswith("Install pgvector 0.8.4 or newer on the server")


@pytest.mark.django_db
def test_faults_of_pgvector_do_not_hide_those_of_the_table():
    say_that_pgvector_is("0.8.0")
    execute(f"DROP INDEX {INDEX}")

    assert found() == ["products.W013", "products.W014", "products.W002"]


@pytest.mark.django_db
def test_more_synonyms_than_are_used_is_a_warning(monkeypatch):
    monkeypatch.setattr("products.checks.MOST_WORDS", 3)
    Synonym(words=["tv"], finds=["television", "telly"]).save()
    assert found() == []

    Synonym(words=["sofa", "couch"]).save()

    assert found() == ["products.W025"]


@pytest.mark.django_db
def test_a_language_that_is_not_that_of_the_database_is_a_warning(settings):
    settings.CATALOG_LANGUAGE = "german"

    assert found() == ["products.W022"]


@pytest.mark.django_db
def test_a_language_that_the_database_does_not_know_is_an_error(settings):
    settings.CATALOG_LANGUAGE = "klingon"

    assert found() == ["products.E006"]


@pytest.mark.django_db
@pytest.mark.parametrize("language, warned", [("german", True), ("simple", False)])
def test_a_model_of_another_language_is_a_warning(
    settings, real_model, language, warned
):
    settings.CATALOG_LANGUAGE = language
    define_language(language, using="default")

    assert found() == ["products.W023"] * warned


@pytest.mark.django_db
def test_products_without_a_known_word_are_a_warning(settings):
    settings.EMBEDDING_BACKEND = LATIN
    Product(name="เครื่องซักผ้า", price=1).save()

    assert found() == ["products.W024"]


@pytest.mark.django_db
def test_pictures_that_no_page_shows_are_a_warning(settings):
    settings.IMAGE_HOSTS = ["cdn.example"]
    for image in (
        "https://cdn.example/a.jpg",
        "https://one.example/a.jpg",
        "https://one.example/b.jpg",
        "http://cdn.example/a.jpg",
        "sample:headphones",
    ):
        make_product(image=image)

    [message] = run_checks(databases=["default"])

    assert message.id == "products.W027"
    assert message.msg.startswith("Of 3 products")
    assert "https://one.example (2), http://cdn.example (1)." in message.msg


@pytest.mark.django_db
def test_before_the_column_of_pictures_is_made_nothing_is_said_of_them():
    execute("ALTER TABLE products DROP COLUMN image")

    assert found() == []


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        (None, False),
        (("127.0.0.1", 9464), False),
        (("metrics.internal", 9464), False),
        (("0.0.0.0", 9464), True),
        (("::", 9464), True),
        (("[::]", 9464), True),
    ],
)
def test_metrics_at_every_address_are_warned_of(settings, address, warned):
    settings.METRICS_ADDRESS = address

    ids = [message.id for message in run_checks(include_deployment_checks=True)]

    assert ("vectorshop.W002" in ids) == warned
