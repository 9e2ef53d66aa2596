from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0011_image"),
    ]

    operations = [
        migrations.CreateModel(
            name="Projection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("fingerprint", models.CharField(max_length=100, unique=True)),
                (
                    "ids",
                    models.BinaryField(help_text="Of the products: int64 each."),
                ),
                (
                    "texts",
                    models.BinaryField(
                        help_text="Which text each was embedded from: int64."
                    ),
                ),
                (
                    "places",
                    models.BinaryField(help_text="x and y of each: float32."),
                ),
                (
                    "kept",
                    models.FloatField(help_text="The share of neighbours it keeps."),
                ),
                (
                    "principal_kept",
                    models.FloatField(
                        help_text="What the principal components of the same keep."
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now=True)),
            ],
            options={"db_table": "products_projection", "default_permissions": ()},
        ),
    ]
