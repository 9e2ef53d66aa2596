"""A second embedding of every product, filled while the shop serves the first."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import models
from pgvector.django import VectorField

from products.models import DIMENSIONS, EmbeddedText
from products.querysets import ProductQuerySet


class SecondEmbedding(EmbeddedText, models.Model):
    """A product seen by its second column: the same row, `embedding` is another.

    Has the fields of a Product that embedding takes, under the same names, so that
    the same code fills both. Kept out of Django's registry, as Django does with the
    table of its migrations: the columns exist only between `migrate_embeddings --to`
    and `--finish`, and neither dumpdata nor makemigrations should see them.
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
        max_length=100, db_column="second_embedding_fingerprint"
    )
    embedded_hash = models.CharField(max_length=32, db_column="second_embedded_hash")

    objects = ProductQuerySet.as_manager()

    class Meta:
        apps = Apps()
        app_label = "products"
        db_table = "products"
        managed = False

    def __str__(self) -> str:
        return self.name
