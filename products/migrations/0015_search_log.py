"""The search log: searches, clicks, and the salt of the day."""

import django.contrib.postgres.fields
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0014_api_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="DaySalt",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("salt", models.BinaryField()),
            ],
            options={
                "db_table": "products_day_salt",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="LoggedEvent",
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
                ("action_name", models.CharField(default="click", max_length=100)),
                ("timestamp", models.DateTimeField(default=django.utils.timezone.now)),
                ("query_id", models.UUIDField()),
                ("client_id", models.CharField(max_length=32)),
                ("object_id", models.TextField()),
                ("position", models.PositiveIntegerField()),
            ],
            options={
                "db_table": "products_logged_event",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["timestamp"], name="products_logged_event_time"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("query_id", "action_name", "object_id"),
                        name="products_logged_event_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoggedQuery",
            fields=[
                (
                    "query_id",
                    models.UUIDField(
                        default=uuid.uuid4, primary_key=True, serialize=False
                    ),
                ),
                ("user_query", models.CharField(blank=True, max_length=1000)),
                ("client_id", models.CharField(max_length=32)),
                ("application", models.CharField(default="shop", max_length=100)),
                ("timestamp", models.DateTimeField(default=django.utils.timezone.now)),
                ("query_attributes", models.JSONField(default=dict)),
                (
                    "query_response_hit_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("first_position", models.PositiveIntegerField(default=1)),
                ("found", models.PositiveIntegerField(default=0)),
                ("filtered", models.BooleanField(default=False)),
                ("typed", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "logged search",
                "verbose_name_plural": "search log",
                "db_table": "products_logged_query",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["timestamp"],
                        include=["found", "filtered", "first_position"],
                        name="products_logged_query_time",
                    ),
                    models.Index(
                        fields=["client_id", "timestamp"],
                        name="products_logged_query_client",
                    ),
                ],
            },
        ),
    ]
