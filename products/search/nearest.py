"""Looks the nearest products up: by an exact scan, or by the HNSW index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connections, models, transaction
from django.db.models import Func, Subquery, Value
from django.utils.translation import gettext as _, ngettext
from psycopg import sql

from products.embeddings import BaseEmbeddingBackend
from products.models import Calibration, Product, RankingWeights
from products.numbers import grouped
from products.querysets import EF_SEARCH, ProductQuerySet
from products.search.evidence import EVIDENCE, Evidence, as_vector
from products.search.question import Question
from products.search.results import Candidate, Plan
from products.search.scores import DEFAULT_WEIGHTS, Weights
from products.search.steps import Step
from products.search.words import Term, evidence_words
from products.sql.expressions import Text
from products.sql.prepared import Given, Prepared, fetch_prepared
from products.sql.sharding import is_sharded
from products.sql.watch import named

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)

# How many of the nearest products can be paged through.
WINDOW = 200

# Up to this many matching rows the exact scan is used: it takes about as long as the
# index then, and finds all. On 100,000 products, two busy cores, 201 results: 5,000
# matching rows 0.23 s exact and 0.15 s by HNSW, 2,000 rows 0.11 s and 0.19 s; for
# fewer results HNSW is the faster one from 2,000 rows up.
EXACT_BOUND = 4_000

# HNSW keeps this many candidates for each result that is asked for. Recall of all 201
# results without filter: 0.99. pgvector allows 1 to 1,000.
EF_SEARCH_FACTOR = 2
MAX_EF_SEARCH = 1_000
# At 10 % the recall of ten results was 0.95 with 100 and 0.99 with 200, in equal time.
FILTERED_EF_SEARCH = 200

# With a filter the index is read on until enough rows pass, to this many at most. A
# filter that keeps more than EXACT_BOUND rows of a million keeps 0.4 %: 201 results
# take about 50,000.
MAX_SCAN_TUPLES = 100_000


class Rows(Protocol[Row_co]):
    """A query that is run when it is sliced and listed."""

    def __getitem__(self, places: slice, /) -> Iterable[Row_co]: ...


# The plan


def plan_nearest(
    products: ProductQuerySet | None, *, limit: int, bound: int = EXACT_BOUND
) -> Plan:
    """Return how to find the *limit* nearest products.

    products: what a filter leaves of the embedded products; None without a filter.
    One statement counts them, up to *bound*: pgvector applies filters after the
    index scan, so that few matching rows would come back as too few, or as the wrong
    ones. See https://github.com/pgvector/pgvector#filtering
    """
    ef_search = ef_search_for(limit)
    if products is None:
        return Plan(
            "hnsw",
            _(
                "nothing is filtered out: the index, or the whole table while it is "
                "small, whichever PostgreSQL finds cheaper"
            ),
            ef_search=ef_search,
        )
    with named(Step.COUNT):
        matching = products.order_by().values("pk")[: bound + 1].count()
    if matching <= bound:
        return Plan(
            "exact",
            ngettext(
                "only %(count)s product to compare, few enough to read them all",
                "only %(count)s products to compare, few enough to read them all",
                matching,
            )
            % {"count": grouped(matching)},
            matching=matching,
        )
    return Plan(
        "hnsw",
        ngettext(
            "more than %(count)s product to compare; the index is read on until "
            "enough of them are found",
            "more than %(count)s products to compare; the index is read on until "
            "enough of them are found",
            bound,
        )
        % {"count": grouped(bound)},
        matching=matching,
        ef_search=max(ef_search, FILTERED_EF_SEARCH),
    )


def ef_search_for(limit: int) -> int:
    """Return how many candidates the index keeps for *limit* results, 100 to 1,000."""
    return min(max(EF_SEARCH, EF_SEARCH_FACTOR * limit), MAX_EF_SEARCH)


def plan_question(question: Question, *, limit: int, count: bool = False) -> Plan:
    """Return how to find the *limit* products nearest to what is asked.

    count: count the products even where nothing is filtered out.
    """
    products = None
    if count or question.filters.of_embedded or question.operators:
        products = question.products().embedded(fingerprint=question.fingerprint)
    return plan_nearest(products, limit=limit)


# The settings of the index


@contextmanager
def index_settings(plan: Plan, *, using: str) -> Iterator[None]:
    """Let the index be read on while the query is evaluated, if the plan asks for it.

    Otherwise the query itself sets what it needs, without another statement.
    """
    if plan.ef_search is None or not plan.partial:
        yield
        return
    with iterative_scan(plan.ef_search, using=using):
        yield


@contextmanager
def iterative_scan(ef_search: int, *, using: str) -> Iterator[None]:
    """Let the index be read on until enough rows pass, 100,000 at most.

    In a transaction, since SET LOCAL ends with it. SET LOCAL also reaches the shards
    of a Citus cluster; set_config() does not. See
    https://github.com/pgvector/pgvector#iterative-index-scans
    """
    with transaction.atomic(using=using, savepoint=False):
        with connections[using].cursor() as cursor:
            cursor.execute(iterative_scan_sql(ef_search))
        yield


@cache
def iterative_scan_sql(ef_search: int) -> str:
    """Return the statement that sets all of an iterative scan. SET takes no parameters."""
    statement = sql.SQL(
        "SET LOCAL hnsw.ef_search = {};"
        "SET LOCAL hnsw.iterative_scan = relaxed_order;"
        "SET LOCAL hnsw.max_scan_tuples = {}"
    )
    return statement.format(ef_search, MAX_SCAN_TUPLES).as_string()


def read_on(nearest: ProductQuerySet) -> list[Product]:
    """Return the rows of a sliced nearest_to(), read in an iterative scan.

    Without it the nearest rows of the index may all be of another recipe, and too few
    or none would be left.
    """
    with iterative_scan(EF_SEARCH, using=nearest.db):
        return list(nearest)


# The look-up


@dataclass(frozen=True)
class LookUp(Generic[Row]):
    """Rows that were looked up, and the plan by which."""

    rows: list[Row]
    plan: Plan

    @property
    def compared(self) -> int:
        """How many rows were ranked."""
        return (
            self.plan.matching
            if self.plan.matching and self.plan.exact
            else len(self.rows)
        )


def look_up(
    question: Question,
    nearest: Callable[[Plan], Rows[Row]],
    limit: int,
    read: list[Row] | None = None,
) -> LookUp[Row]:
    """Return the first *limit* rows of ``nearest(plan)``.

    read: the result of the first look-up, if the caller has it.

    If the index returned fewer than *limit*, either there are no more, or it was
    blocked by deleted rows, rows of another recipe, or ties. So the candidates are
    counted, and scanned exactly if they are few.
    """
    plan = plan_question(question, limit=limit)
    rows = rows_by_plan(question, plan, nearest, limit) if read is None else read
    if len(rows) < limit and not plan.exact and plan.matching is None:
        plan = plan_question(question, limit=limit, count=True)
        rows = rows_by_plan(question, plan, nearest, limit)
    return LookUp(rows, plan)


@named(Step.NEAREST)
def rows_by_plan(
    question: Question, plan: Plan, nearest: Callable[[Plan], Rows[Row]], limit: int
) -> list[Row]:
    """Return the first *limit* rows, looked up by this plan."""
    with index_settings(plan, using=question.using):
        return list(nearest(plan)[:limit])


# The products nearest to a vector


@dataclass(frozen=True)
class Nearest:
    """The products near to a vector, nearest first, and how they were found.

    candidates: those near enough one by one. more: others may be as near, but the index
    was not read for them. compared: how many rows were ranked; rows: what came back,
    also from too far away, by id. floor: what a match must reach; weights: those of the
    hybrid score that the shop has for the recipe.
    """

    candidates: list[Candidate]
    more: bool
    plan: Plan
    compared: int
    rows: dict[int, Evidence]
    floor: Floor
    weights: Weights = DEFAULT_WEIGHTS

    @property
    def is_match(self) -> bool:
        """Whether the nearest is so near that the catalogue answers the text at all."""
        return bool(self.candidates) and self.candidates[0].score >= self.floor.best

    @property
    def looked_at(self) -> list[Candidate]:
        """All that came back, also from too far away, nearest first."""
        return candidates_of(self.rows.values())

    def without_candidates(self) -> Nearest:
        """Return the same where no product is a match."""
        return replace(self, candidates=[], more=False)


def nearest_products(
    question: Question, vector: str, terms: Sequence[Term] = (), *, size: int = WINDOW
) -> Nearest:
    """Return the *size* products nearest to a vector, written as PostgreSQL does.

    terms: the words of the text, for the evidence. Those too far away for a text are
    left out one by one; whether the nearest is a match at all, the caller decides. For
    an example nothing is too far: the visitor sees what it is compared with.
    """
    limit = size + 1
    words = evidence_words(terms)

    def nearest(plan: Plan) -> Any:
        if plan.exact or question.is_narrowed:
            products = question.products().nearest_to(
                as_vector(Value(vector)),
                fingerprint=question.fingerprint,
                exact=plan.exact,
                ef_search=plan.ef_search,
            )
            return with_floor_and_weights(
                products.with_terms(words), question.fingerprint
            )
        query = nearest_query(len(words), limit, plan.ef_search, settings.HNSW_HALFVEC)
        return query.rows(vector, question.fingerprint, *words, using=question.using)

    found = look_up(question, nearest, limit)
    # Iterative scans may come back slightly out of order.
    rows = sorted(
        (Evidence(*row[:-2]) for row in found.rows),
        key=lambda row: (row.distance, row.pk),
    )
    candidates = candidates_of(rows)
    calibrated, fitted = floor_and_weights(found.rows, question)
    floor = NO_FLOOR
    if found.rows and not question.examples:
        floor = get_floor(question.backend, calibrated=calibrated)
    weights = Weights(*fitted) if fitted else DEFAULT_WEIGHTS
    near = [candidate for candidate in candidates if candidate.score >= floor.each]
    # An index that was not read to its end leaves some out, unless the floor does.
    more = found.plan.partial and len(near) == len(candidates)
    return Nearest(
        near[:size],
        more=more or len(near) > size,
        plan=found.plan,
        compared=found.compared,
        rows={row.pk: row for row in rows},
        floor=floor,
        weights=weights,
    )


def candidates_of(rows: Iterable[Evidence]) -> list[Candidate]:
    """Return what came back nearest first as candidates."""
    return [
        Candidate(row.pk, row.category, similarity, similarity, semantic_rank=rank)
        for rank, row in enumerate(rows, start=1)
        for similarity in (1 - (row.distance or 0.0),)
    ]


@cache
def nearest_query(
    terms: int, limit: int, ef_search: int | None, halfvec: bool
) -> Prepared[Product]:
    """Return the query for the *limit* products nearest to a vector, of a recipe.

    Its values: the vector as text, the fingerprint, and as many *terms*. halfvec: the
    setting that the statement depends on, for the cache.
    """
    products = Product.objects.nearest_to(
        as_vector(Given(0)), fingerprint=Given(1), ef_search=ef_search
    ).with_terms([Given(place) for place in range(2, 2 + terms)])
    return Prepared.of(with_floor_and_weights(products, Given(1))[:limit])


def with_floor_and_weights(
    products: ProductQuerySet, fingerprint: Text
) -> models.QuerySet[Product, Any]:
    """Return the evidence of products, then the floor and the weights of a recipe.

    Both are the same in each row, and null where none were measured: read along, they
    take no statement of their own. Shards have neither: there both are null.
    """
    if is_sharded(products.db):
        null = Value(None, output_field=models.FloatField())
        nulls = products.annotate(floor=null, weights=null)
        return nulls.values_list(*EVIDENCE, "floor", "weights")
    floor = Calibration.objects.filter(fingerprint=fingerprint).values("floor")
    weights = RankingWeights.objects.filter(fingerprint=fingerprint).values(
        both=Func(
            "keyword",
            "rank",
            template="ARRAY[%(expressions)s]",
            output_field=ArrayField(models.FloatField()),
        )
    )
    with_both = products.annotate(floor=Subquery(floor), weights=Subquery(weights))
    return with_both.values_list(*EVIDENCE, "floor", "weights")


FLOOR_AND_WEIGHTS = """
    SELECT
        (SELECT floor FROM products_calibration WHERE fingerprint = %s),
        (SELECT ARRAY[keyword, rank] FROM products_ranking_weights
        WHERE fingerprint = %s)
"""


def floor_and_weights(
    found: Sequence[tuple[Any, ...]], question: Question
) -> tuple[float | None, Sequence[float] | None]:
    """Return what with_floor_and_weights() read, on shards by a statement of its own."""
    if not found:
        return None, None
    if is_sharded(question.using):
        connection = connections[question.using]
        params = [question.fingerprint] * 2
        found = fetch_prepared(FLOOR_AND_WEIGHTS, params, connection=connection)
    floor, weights = found[0][-2:]
    return floor, weights


# The floor


@dataclass(frozen=True)
class Floor:
    """What a hit of a search by meaning must reach.

    best: the similarity that the nearest product must have, else nothing is found;
    each: the similarity below which a product is left out.
    """

    best: float
    each: float


# No cosine similarity is below it.
NO_FLOOR = Floor(best=-1.0, each=-1.0)


def get_floor(backend: BaseEmbeddingBackend, calibrated: float | None) -> Floor:
    """Return the floor of a backend: the calibrated one, if it is higher."""
    each = backend.default_floor
    return Floor(best=max(each, calibrated or each), each=each)
