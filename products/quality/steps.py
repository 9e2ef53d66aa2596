"""The measures of the quality page: taken in steps of a few seconds, and remembered.

Each request takes one step, so that none occupies a worker for minutes. In a process one
thread measures at a time; the others get what is known so far.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.cache import cache

from products.models import EmbeddingRecipe
from products.quality.evaluation import Measured, ModeMeasures, measure_query
from products.quality.judged import JudgedQueries
from products.quality.tuning import Bucket, tune
from products.search import Mode
from products.turns import BusyError, Turns

# A step ends with the first measurement that is complete after so long.
STEP_SECONDS = 2.0
KEPT_SECONDS = 60 * 60

TURNS = Turns(1)


@dataclass(frozen=True)
class Evaluated:
    """The measures so far, by mode; each of the same *done* queries out of *total*."""

    modes: list[ModeMeasures]
    done: int
    total: int

    @property
    def complete(self) -> bool:
        return self.done == self.total


@dataclass(frozen=True)
class Tuned:
    """The buckets that are measured so far. complete: whether these are all."""

    buckets: list[Bucket]
    complete: bool


def evaluate_step(judged: JudgedQueries, *, using: str) -> Evaluated:
    """Return how well each mode answers the judged queries, as far as it is known.

    Measures for two seconds, at least one query in one mode. What is known is kept for
    an hour, as long as neither the judgements of the query nor the recipe change.
    Raises EvaluationError when a text cannot be embedded.
    """
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    keys = {
        (qid, mode): key_of("measured", fingerprint, mode, judged.texts[qid], grades)
        for qid, grades in judged.grades.items()
        for mode in Mode
    }
    stored = cache.get_many(keys.values())
    known = {which: stored[key] for which, key in keys.items() if key in stored}
    missing = [which for which in keys if which not in known]
    try:
        with TURNS.taken(seconds=0):
            deadline = time.monotonic() + STEP_SECONDS
            for qid, mode in missing:
                measured = measure_query(judged, qid, mode, using=using)
                known[qid, mode] = measured
                cache.set(keys[qid, mode], measured, KEPT_SECONDS)
                if time.monotonic() >= deadline:
                    break
    except BusyError:
        pass  # somebody else measures the same: the next step shows it
    return evaluated(judged, known)


def evaluated(
    judged: JudgedQueries, known: dict[tuple[str, Mode], Measured]
) -> Evaluated:
    """Return the measures of the queries that are known in every mode."""
    done = [qid for qid in judged.grades if all((qid, mode) in known for mode in Mode)]
    modes = [ModeMeasures(mode, [known[qid, mode] for qid in done]) for mode in Mode]
    return Evaluated(modes, len(done), len(judged.grades))


def tune_step(
    shares: Sequence[float], *, samples: int, ef_search: Sequence[int], using: str
) -> Tuned:
    """Return tune()'s buckets, as far as they are known.

    Measures for two seconds, at least one bucket, and keeps it for an hour. Raises
    TuningError as tune() does.
    """
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    keys = {
        share: key_of("tuned", fingerprint, share, samples, ef_search)
        for share in shares
    }
    known: dict[str, Bucket] = cache.get_many(keys.values())
    try:
        with TURNS.taken(seconds=0):
            deadline = time.monotonic() + STEP_SECONDS
            for share in (share for share in shares if keys[share] not in known):
                [bucket] = tune(
                    [share], samples=samples, ef_search=ef_search, using=using
                )
                known[keys[share]] = bucket
                cache.set(keys[share], bucket, KEPT_SECONDS)
                if time.monotonic() >= deadline:
                    break
    except BusyError:
        pass  # as above
    buckets = [known[key] for key in keys.values() if key in known]
    return Tuned(buckets, complete=len(buckets) == len(keys))


def key_of(*parts: object) -> str:
    """Return the key under which the cache keeps a measurement."""
    return f"quality-{hashlib.sha256(repr(parts).encode()).hexdigest()}"
