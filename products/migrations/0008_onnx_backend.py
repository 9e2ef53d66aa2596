"""The bundled model's backend moved; the recipes in the database name it."""

from typing import Any

from django.db import migrations

OLD = "products.embeddings.fastembed.EmbeddingBackend"
NEW = "products.embeddings.onnx.EmbeddingBackend"


def rename(apps: Any, schema_editor: Any, *, old: str = OLD, new: str = NEW) -> None:
    recipes = apps.get_model("products", "EmbeddingRecipe").objects.using(
        schema_editor.connection.alias
    )
    for column in ("backend", "second_backend"):
        recipes.filter(**{column: old}).update(**{column: new})


def rename_back(apps: Any, schema_editor: Any) -> None:
    rename(apps, schema_editor, old=NEW, new=OLD)


class Migration(migrations.Migration):
    dependencies = [("products", "0007_not_duplicate")]

    operations = [migrations.RunPython(rename, rename_back)]
