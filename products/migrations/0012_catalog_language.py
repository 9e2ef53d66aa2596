from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models

from products.name_words import NameWords
from products.sql.language import CatalogLanguage, define_language, drop_language


def begin_with_setting(apps: Any, schema_editor: Any) -> None:
    """Let the words be in the language of the settings; set_language changes it."""
    define_language(settings.CATALOG_LANGUAGE, using=schema_editor.connection.alias)


def drop(apps: Any, schema_editor: Any) -> None:
    drop_language(schema_editor.connection.alias)


class Migration(migrations.Migration):
    """Makes the words of products in the language that a function returns.

    PostgreSQL rewrites the table and its indexes; see CHANGELOG.md for how long.
    """

    dependencies = [("products", "0011_synonyms")]

    operations = [
        migrations.RunPython(begin_with_setting, drop),
        migrations.RemoveIndex("product", "products_search_vector_idx"),
        migrations.RemoveIndex("product", "products_name_words_idx"),
        migrations.RemoveField("product", "search_vector"),
        migrations.AddField(
            "product",
            "search_vector",
            models.GeneratedField(
                db_persist=True,
                expression=(
                    SearchVector("name", config=CatalogLanguage(), weight="A")
                    + SearchVector("category", config=CatalogLanguage(), weight="B")
                    + SearchVector("description", config=CatalogLanguage(), weight="C")
                ),
                output_field=SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "product",
            GinIndex(fields=["search_vector"], name="products_search_vector_idx"),
        ),
        migrations.AddIndex(
            "product",
            GinIndex(
                NameWords(models.F("search_vector")),
                name="products_name_words_idx",
            ),
        ),
    ]
