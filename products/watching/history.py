"""The figures of the hours before, as the worker wrote them down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from products.models import HourlyFigure

KEPT = timedelta(days=30)
HOUR = timedelta(hours=1)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def this_hour() -> datetime:
    """Return when the hour began."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def keep(values: Mapping[str, float | None], *, using: str) -> None:
    """Write the values of this hour down, over those written before in it.

    What is not known is left out. Values of more than a month ago are deleted.
    """
    hour = this_hour()
    stored = HourlyFigure.objects.using(using)
    stored.bulk_create(
        [
            HourlyFigure(name=name, hour=hour, value=value)
            for name, value in values.items()
            if value is not None
        ],
        update_conflicts=True,
        unique_fields=["name", "hour"],
        update_fields=["value"],
    )
    stored.filter(hour__lt=hour - KEPT).delete()


def values_of(hours: list[datetime], *, using: str) -> dict[datetime, dict[str, float]]:
    """Return the values of some hours, by the hour and the name; one statement."""
    found: dict[datetime, dict[str, float]] = {hour: {} for hour in hours}
    for row in HourlyFigure.objects.using(using).filter(hour__in=hours):
        found[row.hour][row.name] = row.value
    return found
