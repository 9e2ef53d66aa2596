"""What is kept of a request until it is counted and written."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from django.urls import ResolverMatch


class Searched(NamedTuple):
    """A search. text: what was asked for, where LOG_QUERIES allows to keep it."""

    mode: str
    plan: str
    filtered: bool
    found: int
    far: bool  # the nearest product is too far to be a match
    seconds: float
    embedding_ms: float
    sql_ms: float
    text: str
    ended: float  # by time.perf_counter()


@dataclass(slots=True)
class Answered:
    """A request.

    began, ended: by time.perf_counter(). at: when it ended, in seconds since 1970. error:
    what it failed with. cached, made: how many vectors of queries came from the cache, and
    how many the model made.
    """

    id: str
    method: str
    began: float
    ended: float = 0.0
    at: float = 0.0
    status: int = 0
    match: ResolverMatch | None = None
    error: BaseException | None = None
    searches: list[Searched] = field(default_factory=list)
    cached: int = 0
    made: int = 0

    @property
    def route(self) -> str:
        """The name of the address that was asked for, "none" for one unknown."""
        return (self.match.view_name if self.match else "") or "none"


# The request that this thread answers.
current: ContextVar[Answered | None] = ContextVar("current", default=None)
