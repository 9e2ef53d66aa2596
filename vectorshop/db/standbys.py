"""What is to be known of the standbys: do they answer, follow, and follow the right one?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import (
    CheckMessage,
    Error as CheckError,
    Tags,
    Warning as CheckWarning,
    register,
)
from django.db import DEFAULT_DB_ALIAS, Error

from vectorshop.replicas import (
    AWAY,
    Position,
    one_row,
    position_of,
    replica_aliases,
)

# A change of a table on the primary, such as the switch of models, waits at the standby
# for whoever reads there, and all later readers wait behind it. PostgreSQL's default of
# 30 s is as long as a page may take.
MAX_CONFLICT_SECONDS = 5

# The identifier is made by initdb: a copy has that of its primary. See
# https://www.postgresql.org/docs/18/functions-info.html (pg_control_system)
SYSTEM = """
SELECT (SELECT system_identifier FROM pg_control_system()),
       (SELECT setting::int FROM pg_settings
        WHERE name = 'max_standby_streaming_delay')
"""


@dataclass(frozen=True)
class Standby:
    """A standby as it was found.

    position: None when it does not answer, and *error* says why. same_system: whether it
    is a copy of the primary, None if that cannot be known. conflict_ms: for how many
    milliseconds readers hold back what the primary did, -1 for ever.
    """

    alias: str
    position: Position | None = None
    error: str = ""
    same_system: bool | None = None
    conflict_ms: int = 0

    def faults(self) -> Iterator[CheckMessage]:
        """Yield what keeps the shop from reading there, or makes it risky."""
        if self.position is None:
            yield CheckWarning(
                f"{self.alias} does not answer: {self.error}",
                hint="The pages come from the primary meanwhile. Start the server, or "
                "take it out of DB_REPLICA_HOSTS.",
                id="replicas.W001",
            )
            return
        if not self.position.in_recovery:
            yield CheckWarning(
                f"{self.alias} is not a standby: it takes writes of its own.",
                hint="If it was promoted, name it in DB_HOST, and make another standby.",
                id="replicas.W002",
            )
            return
        if self.same_system is False:
            yield CheckError(
                f"{self.alias} is a standby of another server than the primary's.",
                hint="Make it anew by pg_basebackup: manage.py replicas --setup",
                id="replicas.E001",
            )
        if not self.position.in_time:
            yield CheckWarning(
                f"{self.alias} is {lag_text(self.position)} the primary, and "
                f"DB_REPLICA_LAG is {settings.DB_REPLICA_LAG:g} s: it is not read.",
                hint="See pg_stat_wal_receiver there and pg_stat_replication on the "
                "primary.",
                id="replicas.W003",
            )
        if not 0 <= self.conflict_ms <= MAX_CONFLICT_SECONDS * 1000:
            yield CheckWarning(
                f"On {self.alias} max_standby_streaming_delay is "
                f"{conflict_text(self.conflict_ms)}: a reader may hold all others up "
                "while the primary changes a table.",
                hint=f"Set it to {MAX_CONFLICT_SECONDS}s or less.",
                id="replicas.W004",
            )


def lag_text(position: Position) -> str:
    """Return how late a standby is, as in "is … the primary"."""
    if position.lag is None:
        return "without a stream from"
    return f"{position.lag:.1f} s behind"


def conflict_text(milliseconds: int) -> str:
    """Return the value of max_standby_streaming_delay as people write it."""
    return "-1 (for ever)" if milliseconds < 0 else f"{milliseconds / 1000:g}s"


def look_at(alias: str) -> Standby:
    """Return what is found at the standby *alias*, by three statements at most.

    Two go to the standby, one to the primary.
    """
    try:
        position = position_of(alias)
        system, conflict_ms = one_row(alias, SYSTEM)
    except AWAY as err:
        return Standby(alias, error=str(err).strip())
    return Standby(alias, position, "", is_same(system), conflict_ms)


def is_same(system: int) -> bool | None:
    """Return whether the primary has this system identifier; None if it is away."""
    try:
        return bool(one_row(DEFAULT_DB_ALIAS, SYSTEM)[0] == system)
    except AWAY:
        return None


@register(Tags.database)
def check_standbys(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Return what is wrong with the standbys; `--database default` looks at all."""
    asked = set(databases or ())
    aliases = [
        alias
        for alias in replica_aliases()
        if alias in asked or DEFAULT_DB_ALIAS in asked
    ]
    try:
        return [fault for alias in aliases for fault in look_at(alias).faults()]
    except Error as err:
        return [
            CheckError(f"The standbys cannot be looked at: {err}", id="replicas.E002")
        ]
