"""What the worker writes down while the shop runs: figures by the hour, and recalls."""

from __future__ import annotations

from django.db import models


class HourlyFigure(models.Model):
    """The last value that a figure had in an hour; see products.watching.figures."""

    name = models.CharField(max_length=40)
    hour = models.DateTimeField()  # its beginning
    value = models.FloatField()

    class Meta:
        db_table = "products_hourly_figure"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="products_hourly_figure_once", fields=["name", "hour"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.hour:%Y-%m-%d %H:00}: {self.value:g}"


class RecallSample(models.Model):
    """A search that is to be asked again exactly, or the recall that came of it.

    It has no text: *question* holds the vector or the id of the product that was asked
    about, and the filters, and is emptied once the worker has asked. passing: which share
    of the products passed the filters, as one of a few words.
    """

    asked_at = models.DateTimeField(auto_now_add=True, db_index=True)
    fingerprint = models.CharField(max_length=100)
    question = models.JSONField(null=True)
    passing = models.CharField(max_length=20, blank=True)
    recall = models.FloatField(null=True)

    class Meta:
        db_table = "products_recall_sample"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.asked_at}: {self.recall}"
