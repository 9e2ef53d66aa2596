"""`manage.py loaddata`: Django's own, with one clear line for a refused row."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.commands import loaddata
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError


class Command(loaddata.Command):
    def handle(self, *labels: Any, **options: Any) -> None:
        """Load the fixtures, all of them or nothing.

        Raises CommandError, where Django shows a traceback, for a row that cannot be
        read or that the database refuses.
        """
        try:
            super().handle(*labels, **options)
        except (DatabaseError, DeserializationError, TypeError, ValueError) as err:
            reason = str(err).strip()
            raise CommandError(f"Nothing was loaded. {reason}") from err
