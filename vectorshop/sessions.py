"""Django's sessions in the database, for cookies that anybody may forge."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from vectorshop import replicas


class SessionStore(DatabaseStore):
    """Treats a key with a NUL, which PostgreSQL cannot store, as an unknown one.

    While the primary is away and a standby answers for it, whoever is signed in is shown
    the page as a visitor. The cookie stays, so that they are signed in afterwards.
    """

    def load(self) -> dict[str, Any]:
        if not replicas.reads_from_standby():
            return super().load()
        if not replicas.primary.answers():
            return {}
        try:
            return super().load()
        except replicas.AWAY:
            return {}

    def _validate_session_key(self, key: str | None) -> bool:
        valid: bool = super()._validate_session_key(key)  # type: ignore[misc]
        return valid and key is not None and "\0" not in key
