"""What the search log keeps: searches, clicks, and the salt of the day.

The fields have the names of UBI 1.3, by which other tools read them. No row refers to
another or to a product, so that several web servers may write them in any order.
See https://github.com/o19s/ubi
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_TEXT = 1_000  # characters, as many as a search takes
CLIENT_LENGTH = 32
MAX_POSITION = 1_000_000


class LoggedQuery(models.Model):
    """A search by text, and which products one page of its results showed.

    user_query: empty where the shop keeps no texts. client_id: the visitor's key of the
    day. query_response_hit_ids: the skus that were shown, of which the first has the
    place *first_position* among all results. found: how many products were found.
    filtered: whether a filter was set. typed: whether the page searched by itself while
    the visitor typed.
    """

    query_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user_query = models.CharField(max_length=MAX_TEXT, blank=True)
    client_id = models.CharField(max_length=CLIENT_LENGTH)
    application = models.CharField(max_length=100, default="shop")
    timestamp = models.DateTimeField(default=timezone.now)
    query_attributes = models.JSONField(default=dict)
    query_response_hit_ids = ArrayField(models.TextField(), default=list)
    first_position = models.PositiveIntegerField(default=1)
    found = models.PositiveIntegerField(default=0)
    filtered = models.BooleanField(default=False)
    typed = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("logged search")
        verbose_name_plural = _("search log")
        db_table = "products_logged_query"
        default_permissions = ("view",)
        indexes = [
            # With what the start page of the admin counts.
            models.Index(
                name="products_logged_query_time",
                fields=["timestamp"],
                include=["found", "filtered", "first_position"],
            ),
            # For the searches that a visitor typed just before.
            models.Index(
                name="products_logged_query_client", fields=["client_id", "timestamp"]
            ),
        ]

    def __str__(self) -> str:
        return self.user_query or str(self.query_id)


class LoggedEvent(models.Model):
    """What a visitor did with a product that a search showed: a click.

    query_id and client_id: of the search; other clicks count for nothing. object_id: the
    product's sku. position: its place among all results, from 1.
    """

    action_name = models.CharField(max_length=100, default="click")
    timestamp = models.DateTimeField(default=timezone.now)
    query_id = models.UUIDField()
    client_id = models.CharField(max_length=CLIENT_LENGTH)
    object_id = models.TextField()
    position = models.PositiveIntegerField()

    class Meta:
        db_table = "products_logged_event"
        default_permissions = ()
        indexes = [
            models.Index(name="products_logged_event_time", fields=["timestamp"])
        ]
        constraints = [
            # To open a product twice from the same results is one click.
            models.UniqueConstraint(
                name="products_logged_event_once",
                fields=["query_id", "action_name", "object_id"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.action_name}: {self.object_id}"


class DaySalt(models.Model):
    """The salt of the visitors' keys of one day, shared by all web servers.

    Without it nobody can tell whose a key was. It is deleted when the day is over.
    """

    day = models.DateField(primary_key=True)
    salt = models.BinaryField()

    class Meta:
        db_table = "products_day_salt"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.day}"
