"""Figures by the hour, and searches whose recall is measured."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0015_search_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="RecallSample",
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
                ("asked_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("fingerprint", models.CharField(max_length=100)),
                ("question", models.JSONField(null=True)),
                ("passing", models.CharField(blank=True, max_length=20)),
                ("recall", models.FloatField(null=True)),
            ],
            options={
                "db_table": "products_recall_sample",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="HourlyFigure",
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
                ("name", models.CharField(max_length=40)),
                ("hour", models.DateTimeField()),
                ("value", models.FloatField()),
            ],
            options={
                "db_table": "products_hourly_figure",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "hour"), name="products_hourly_figure_once"
                    )
                ],
            },
        ),
    ]
