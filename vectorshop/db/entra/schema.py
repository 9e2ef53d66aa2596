"""Schema changes, with advice for what Azure refuses."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, OperationalError
from django.db.backends.postgresql import schema as postgresql

from vectorshop.db.entra.errors import extension_advice


class DatabaseSchemaEditor(postgresql.DatabaseSchemaEditor):
    def execute(self, sql: Any, params: Any = ()) -> None:
        """Run one statement. Raises OperationalError if an extension is not allowed."""
        try:
            super().execute(sql, params)
        except DatabaseError as err:
            if not (advice := extension_advice(str(err))):
                raise
            raise OperationalError(advice) from err
