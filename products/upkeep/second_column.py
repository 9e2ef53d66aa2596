"""A second embedding of every product, filled while the shop serves the first."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import connections, models
from pgvector.django import VectorField

from products.models import DIMENSIONS, EmbeddedText
from products.querysets import ProductQuerySet
from products.sql.sharding import is_sharded
from products.sql.statements import rows

CHECK = "products_embedding_not_zero"
SECOND_CHECK = "products_second_embedding_not_zero"
# The rows that are there are checked later, by validate_checks().
NOT_ZERO = (
    "ALTER TABLE products ADD CONSTRAINT {constraint} "
    "CHECK ({column} IS NULL OR vector_norm({column}) > 0) NOT VALID"
)


class SecondEmbedding(EmbeddedText, models.Model):
    """A product seen by its second column: the same row, `embedding` is another.

    It has the fields of a Product that embedding takes, under the same names, so that
    the same code fills both columns. It is kept out of Django's registry, as Django
    does with the table of its migrations: the columns exist only between
    `migrate_embeddings --to` and `--finish`, and neither dumpdata nor makemigrations
    should see them.
    """

    id = models.BigAutoField(primary_key=True)
    sku = models.CharField(max_length=200)
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=200)
    description = models.TextField()
    text_hash = models.CharField(max_length=32)
    embedding = VectorField(
        dimensions=DIMENSIONS, null=True, db_column="second_embedding"
    )
    embedding_fingerprint = models.CharField(
        max_length=100, db_default="", db_column="second_embedding_fingerprint"
    )
    embedded_hash = models.CharField(
        max_length=32, db_default="", db_column="second_embedded_hash"
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        apps = Apps()
        app_label = "products"
        db_table = "products"
        managed = False

    def __str__(self) -> str:
        return self.name


def add_columns(using: str) -> None:
    """Add the second columns if they are missing. No row is rewritten.

    Call it with the table locked. The new check is validated later, by
    validate_checks(), which keeps nobody waiting.
    """
    connection = connections[using]
    there = columns(using)
    with connection.cursor() as cursor:
        with connection.schema_editor() as editor:
            for field in SecondEmbedding._meta.local_concrete_fields:
                if field.column not in there:
                    editor.add_field(SecondEmbedding, field)
        if "second_embedding" not in there:
            if not is_sharded(using):  # Citus cannot change it
                # As the migrations do with the first.
                cursor.execute(
                    "ALTER TABLE products ALTER COLUMN second_embedding SET STORAGE MAIN"
                )
            cursor.execute(
                NOT_ZERO.format(constraint=SECOND_CHECK, column="second_embedding")
            )


def validate_checks(*constraints: str, using: str) -> None:
    """Validate checks that were added as NOT_ZERO; reading and writing go on."""
    with connections[using].cursor() as cursor:
        for constraint in constraints:
            cursor.execute(f"ALTER TABLE products VALIDATE CONSTRAINT {constraint}")


def columns(using: str) -> set[str]:
    """Return the names of the columns of products."""
    found = rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'products'::regclass "
        "AND attnum > 0 AND NOT attisdropped",
        using=using,
    )
    return {name for [name] in found}


def drop_columns(using: str) -> None:
    """Drop the second columns: no row is rewritten. Call it with the table locked."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "ALTER TABLE products DROP COLUMN IF EXISTS second_embedding, "
            "DROP COLUMN IF EXISTS second_embedding_fingerprint, "
            "DROP COLUMN IF EXISTS second_embedded_hash"
        )
