"""Django's sessions in the database, for cookies that anybody may forge."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    """Treats a key with a NUL, which PostgreSQL cannot store, as an unknown one."""

    def _validate_session_key(self, key: str | None) -> bool:
        valid: bool = super()._validate_session_key(key)  # type: ignore[misc]
        return valid and key is not None and "\0" not in key
