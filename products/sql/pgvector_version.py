"""Which pgvector a database has, and what is missing or broken in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from products.sql.statements import rows


class Version(NamedTuple):
    """A version of pgvector, which compares as such."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return ".".join(map(str, self))


# The first with iterative index scans, without which a filtered search finds too little.
OLDEST = Version(0, 8, 0)
# Before it a parallel build of an HNSW index writes past its memory: CVE-2026-3172.
PARALLEL_BUILDS_WORK = Version(0, 8, 2)
# Before it VACUUM damages an HNSW index that is written to at the same time, or fails:
# https://github.com/pgvector/pgvector/pull/988 and .../issues/993
VACUUM_WORKS = Version(0, 8, 4)


def installed_version(*, using: str) -> Version | None:
    """Return the version of pgvector in the database, None where it is not enabled."""
    sql = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    return version_of(rows(sql, using=using))


def offered_version(*, using: str) -> Version | None:
    """Return the version that CREATE or ALTER EXTENSION would bring, if any."""
    sql = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
    return version_of(rows(sql, using=using))


def version_of(found: list[tuple[str, ...]]) -> Version | None:
    """Return the version in the only row that was found; None without one."""
    numbers = re.findall(r"\d+", found[0][0])[:3] if found else []
    return Version(*map(int, numbers)) if len(numbers) > 1 else None
