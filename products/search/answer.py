"""Turns a question into one page of results.

results = search("earphones", Filters(categories=("Electronics",)))
for hit in results:
    print(hit.product.name, hit.score)
print(results.plan.reason)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from django.conf import settings
from django.db import router
from django.db.models import F, FloatField, TextField, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from products.embeddings import BaseEmbeddingBackend, get_backend
from products.models import Product
from products.querysets import DISPLAYED, ProductQuerySet
from products.recipes import with_active_backend
from products.search.evidence import as_vector
from products.search.facets import catalogue_facets, ranked_facets
from products.search.nearest import WINDOW, ef_search_for, look_up
from products.search.operators import read_operators
from products.search.question import (
    PAGE_SIZE,
    Filters,
    Mode,
    Question,
    SearchError,
    Sort,
    clean_text,
    member_of,
)
from products.search.rank import rank
from products.search.results import Candidate, Hit, Log, Plan, Results
from products.search.second_look import second_look
from products.search.signals import searched
from products.search.sorting import listed_by, sorted_best
from products.search.steps import Step
from products.search.synonyms import Thesaurus
from products.search.written_words import written_words
from products.sql.expressions import ColumnOf, InArray, array_of
from products.sql.prepared import Given, Prepared
from products.sql.sharding import is_sharded
from products.sql.watch import Record, named, recorded

# How many products are shown, as far ones, where none is a match.
FAR = 3

# How many products the catalogue without a question is paged through.
LISTING_WINDOW = 10_000


@named(Step.RECIPE)
def search(
    text: str = "",
    filters: Filters = Filters(),  # noqa: B008 - immutable
    *,
    mode: str = Mode.HYBRID,
    like: Sequence[Product] = (),
    unlike: Sequence[Product] = (),
    diversity: float = 0.0,
    sort: str = Sort.RELEVANCE,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    literal: bool = False,
    embedder: BaseEmbeddingBackend | None = None,
    using: str | None = None,
    synonyms: Thesaurus | None = None,
) -> Results:
    """Return one page of the products that answer a question, best first.

    text: what a shopper types, at most 1,000 characters, with -words to leave out and
    "exact phrases" in it, see read_operators(). Where nothing else is left of it, and
    without examples, the catalogue is listed. sort: see Sort; what was found is sorted
    within the best 200, see sorted_best(). like, unlike: at most 20 example products,
    alone or beside a text; they are left out of the results. mode: see Mode; used with
    a text. diversity: 0 for the nearest, up to 1 for the most varied, by maximal
    marginal relevance. page: from 1; a page after the last gives the last. page_size:
    1 to 200. literal: search for the text as it is typed; otherwise a word that no
    product has is corrected, see second_look(). embedder: by default the backend of
    the recipe in force, also while that is switched. synonyms: to search with these in
    place of the stored ones, see thesaurus(). using: the database; by default the one
    that the routers read products from, the same for every statement.

    A product whose sku is the text comes first. What is too far from a text is left
    out; products with a word of it stay. At most 300 products are ranked, 50 of them
    by meaning and 250 for their words, see WordSearch; by meaning alone 200, and 10,000
    are listed. When the text cannot be embedded, or the model knows no word of it,
    keyword results come with a notice. Nothing can be compared with an example that has
    no embedding: then no results come, and a notice. Raises SearchError for anything
    that cannot be searched for.

    Statements: a search up to 12 (one of them checks that the recipe was not switched);
    once more as many with a second look, and two or three for each word that it may
    correct; one more where results are sorted; a listing two, the first unfiltered page
    of similar products two (page_size up to 19; one, if there is no further page). The
    facets are counted when asked for.
    """
    using = using or router.db_for_read(Product)
    left, operators = read_operators(clean_text(text))
    question = Question(
        text=left,
        operators=operators,
        filters=filters,
        mode=member_of(Mode, mode, "mode"),
        like=tuple(like),
        unlike=tuple(unlike),
        diversity=diversity,
        sort=member_of(Sort, sort, "sort"),
        page=page,
        page_size=page_size,
        literal=literal,
        backend=embedder or get_backend(),
        using=using,
        synonyms=synonyms,
    )
    started = time.perf_counter()
    asked = question.text or question.examples
    if embedder or question.single_example or not asked:
        return told(question, answer(question), started)

    def answered_by(backend: BaseEmbeddingBackend) -> Results:
        nonlocal question
        question = with_fresh_examples(replace(question, backend=backend))
        return answer(question)

    results = with_active_backend(
        answered_by,
        using=using,
        retry_on=SearchError,  # for examples by another recipe than the text
    )
    return told(question, results, started)


def similar_to(
    key: int | str, *, page_size: int = PAGE_SIZE, using: str | None = None
) -> tuple[Product, Results]:
    """Return a product by its id or its sku, and the first page of the products most like it.

    The page of search(like=[product]), in one statement with the product where the
    index gives a full page. Raises Product.DoesNotExist.
    """
    using, started = using or router.db_for_read(Product), time.perf_counter()
    with recorded(using=using) as record:
        limit = 1 + page_size
        read = read_with_similar(key, limit, ef_search_for(limit), using=using)
        if not read:
            raise Product.DoesNotExist
        product, *similar = read
        question = Question(like=(product,), page_size=page_size, using=using)
        results = page_of(question, record, similar)
    return product, told(question, results, started)


def told(question: Question, results: Results, started: float) -> Results:
    """Return the results after telling whoever watches of them.

    started: by time.perf_counter().
    """
    searched.send_robust(
        Results,
        question=question,
        results=results,
        seconds=time.perf_counter() - started,
    )
    return results


@named(Step.EXAMPLES)
def with_fresh_examples(question: Question) -> Question:
    """Return the question with its examples as they are stored now."""
    if not question.examples:
        return question
    products = Product.objects.using(question.using).for_display()
    stored = products.in_bulk([product.pk for product in question.examples])
    return replace(
        question,
        like=tuple(stored.get(product.pk, product) for product in question.like),
        unlike=tuple(stored.get(product.pk, product) for product in question.unlike),
    )


def answer(question: Question) -> Results:
    """Return the page of results that answers a question."""
    with recorded(using=question.using) as record:
        return page_of(question, record)


def page_of(
    question: Question, record: Record, read: list[Product] | None = None
) -> Results:
    """Return the page of results that answers a question.

    read: the first products like the only example, if they were read with it.
    """
    if bare := first_without_embedding(question.examples):
        return without_embedding(question, record, bare)
    if example := question.single_example:
        return similar_page(question, record, example, read)
    if question.text or question.examples:
        return ranked_page(question, record)
    return catalogue_page(question, record)


def similar_page(
    question: Question,
    record: Record,
    example: Product,
    read: list[Product] | None,
) -> Results:
    """Return the products like one other, read by one statement without filters.

    read: the first of them, if they were read with the example; then nobody counts the
    others, and the total is what was read. Otherwise one more statement counts them.
    """

    def nearest(plan: Plan) -> ProductQuerySet | list[Product]:
        if not plan.exact and not question.filters:
            return read_with_similar(
                example.pk, limit, plan.ef_search, using=question.using
            )[1:]
        products = question.filters.narrow(Product.objects.using(question.using))
        return products.for_display().similar_to(
            example, exact=plan.exact, ef_search=plan.ef_search
        )

    limit = 1 + question.page_size
    found = look_up(question, nearest, limit, read)
    similar = in_order(found.rows)
    compared = found.compared
    total, more = len(similar), len(similar) >= limit or found.plan.partial
    if question.page > 1:
        # The first page stays as it was shown: the index, asked for more, may find
        # what it missed before, and no product may be on two pages.
        limit = 1 + WINDOW
        first = similar[: question.page_size]
        shown_before = {product.pk for product in first}
        found = look_up(question, nearest, limit)
        similar = first + [
            product
            for product in in_order(found.rows)
            if product.pk not in shown_before
        ]
        compared = found.compared if found.plan.exact else len(similar)
        total, more = len(similar), len(similar) >= limit or found.plan.partial
    elif more and read is None:
        total = comparable_count(question, found.plan)
        more = total > WINDOW
    total = min(total, WINDOW)
    page, shown = page_and_slice(question, total)
    return Results(
        hits=similar_hits(similar[:total])[shown],
        plan=found.plan,
        log=with_statements(Log(rows=compared), record),
        mode="similar",
        total=total,
        more=more,
        page=page,
        page_size=question.page_size,
        count_facets=lambda: ranked_facets(question),
        floor=question.backend.default_floor,
        recipe=question.fingerprint,
    )


@named(Step.COUNT)
def comparable_count(question: Question, plan: Plan) -> int:
    """Return how many products can be compared, counted up to 201 at least.

    One statement, unless the plan counted so many.
    """
    if plan.matching is not None and (plan.exact or plan.matching > WINDOW):
        return plan.matching
    products = question.products().embedded(fingerprint=question.fingerprint)
    return products.order_by().values("pk")[: WINDOW + 1].count()


def first_without_embedding(examples: Sequence[Product]) -> Product | None:
    """Return the first of some examples that is not embedded, None if all are."""
    bare = (example for example in examples if not example.embedding_fingerprint)
    return next(bare, None)


def without_embedding(question: Question, record: Record, example: Product) -> Results:
    """Return the empty page for an example that nothing can be compared with."""
    return Results(
        hits=[],
        plan=Plan("exact", _("the example has no embedding"), matching=0),
        log=with_statements(Log(), record),
        mode="similar",
        total=0,
        more=False,
        page=1,
        page_size=question.page_size,
        count_facets=list,
        notice=example.why_without_embedding(),
    )


def similar_hits(products: list[Product]) -> list[Hit]:
    """Return the hits of products with a distance, nearest first."""
    return [
        Hit(
            product.pk,
            product.category,
            score=product.similarity,
            similarity=product.similarity,
            semantic_rank=rank,
            product=product,
        )
        for rank, product in enumerate(products, start=1)
    ]


def in_order(products: list[Product]) -> list[Product]:
    """Return products with a distance, nearest first: iterative scans may mix them."""
    return sorted(products, key=lambda product: (product.distance, product.pk))


@named(Step.LISTING)
def catalogue_page(question: Question, record: Record) -> Results:
    """Return a page of the catalogue, as far as it passes the filters."""
    products = question.products()
    order = listed_by(question.sort)
    counted = products.order_by()[: LISTING_WINDOW + 1].count()
    total = min(counted, LISTING_WINDOW)
    page, shown = page_and_slice(question, total)
    hits = [
        Hit(product.pk, product.category, score=0.0, product=product)
        for product in products.for_display().order_by(order, "pk")[shown]
    ]
    return Results(
        hits=hits,
        plan=Plan(
            "listing",
            _("only what to leave out was asked")
            if question.operators
            else _("no question was asked"),
        ),
        log=with_statements(Log(rows=len(hits)), record),
        mode="listing",
        total=total,
        more=counted > LISTING_WINDOW,
        page=page,
        page_size=question.page_size,
        count_facets=lambda: catalogue_facets(question),
        notice=_("You only said what to leave out. These are all other products.")
        if question.operators
        else "",
    )


def ranked_page(question: Question, record: Record) -> Results:
    """Return a page of what a text, examples, or both find."""
    asked = question
    question, ranking, suggested = second_look(asked, rank(asked))
    ranking = sorted_best(question, ranking)
    total = len(ranking.candidates)
    page, shown = page_and_slice(question, total)
    near, floor = ranking.near, question.backend.default_floor
    far = near.looked_at[:FAR] if near and not total else []
    return Results(
        hits=load_hits(question, ranking.candidates[shown]),
        far=load_hits(question, far) if far else [],
        floor=max(floor, near.floor.best) if near else floor,
        plan=ranking.plan,
        log=with_statements(ranking.log, record),
        mode=question.mode if question.text else "similar",
        total=total,
        more=ranking.more,
        page=page,
        page_size=question.page_size,
        count_facets=lambda: ranked_facets(question, ranking),
        notice=ranking.notice,
        corrected=(
            question.operators.written_into(question.text)
            if question.text != asked.text
            else ""
        ),
        suggested=suggested and question.operators.written_into(suggested),
        recipe=question.fingerprint if near else "",
    )


@named(Step.PRODUCTS)
def load_hits(question: Question, candidates: Sequence[Candidate]) -> list[Hit]:
    """Return the candidates with their products, and words as these write them.

    Takes one statement, and one more where a candidate has a word.
    """
    ids = array_of(candidate.pk for candidate in candidates)
    found = products_by_id().objects(ids, using=question.using)
    loaded = {product.pk: product for product in found}
    # A product that was deleted since it was ranked is left out.
    candidates = [candidate for candidate in candidates if candidate.pk in loaded]
    with named(Step.WRITTEN):
        words = written_words(
            {candidate.pk: candidate.words for candidate in candidates},
            {
                pk: f"{p.name}\n{p.category}\n{p.description}"
                for pk, p in loaded.items()
            },
            question.text,
            using=question.using,
        )
    return [
        Hit(
            **vars(candidate) | {"words": words[candidate.pk]},
            product=loaded[candidate.pk],
        )
        for candidate in candidates
    ]


def with_statements(log: Log, record: Record) -> Log:
    """Return a log with the statements that ran so far."""
    statements = [statement.sql for statement in record.statements]
    return replace(log, statements=statements, sql_ms=record.milliseconds)


def page_and_slice(question: Question, total: int) -> tuple[int, slice]:
    """Return the page to show, the last one where there are fewer, and its slice."""
    page = min(question.page, max(1, -(-total // question.page_size)))
    start = (page - 1) * question.page_size
    return page, slice(start, min(start + question.page_size, total))


# The statements that most pages run


@cache
def products_by_id() -> Prepared[Product]:
    """Return the query for products by an array of ids."""
    products = Product.objects.filter(InArray(F("pk"), Given(0)))
    return Prepared.of_objects(products.order_by(), DISPLAYED)


def read_with_similar(
    key: int | str, limit: int, ef_search: int | None, *, using: str
) -> list[Product]:
    """Return a product and the *limit* products most like it; none without the product.

    key: the product's id or sku. One statement. On shards it takes two, since each
    subquery there takes as long as a statement: the second is given the vector.
    """
    by = "sku" if isinstance(key, str) else "id"
    if not is_sharded(using):
        query = product_and_similar(limit, ef_search, settings.HNSW_HALFVEC, by=by)
        return query.objects(key, using=using)
    found = product_with_vector(by).objects(key, using=using)
    if not found or not found[0].embedding_fingerprint:
        return found
    [product] = found
    similar = similar_query(limit, ef_search, settings.HNSW_HALFVEC)
    values = (product.vector, product.embedding_fingerprint, product.pk)  # type: ignore[attr-defined]
    return [product, *similar.objects(*values, using=using)]


@cache
def product_with_vector(by: str) -> Prepared[Product]:
    """Return the query for a product by its "id" or "sku", with its vector as text."""
    product = Product.objects.filter(**{by: Given(0)}).order_by()
    with_vector = product.annotate(vector=Cast("embedding", TextField()))
    return Prepared.of_objects(with_vector, DISPLAYED, ["vector"])


@cache
def similar_query(
    limit: int, ef_search: int | None, halfvec: bool
) -> Prepared[Product]:
    """Return the query for the *limit* products nearest to the vector of another.

    Its values: the vector as text, its fingerprint, and the id of the other.
    """
    nearest = Product.objects.nearest_to(
        as_vector(Given(0)), fingerprint=Given(1), ef_search=ef_search
    ).exclude(pk=Given(2))
    return Prepared.of_objects(nearest[:limit], DISPLAYED, ["distance"])


@cache
def product_and_similar(
    limit: int, ef_search: int | None, halfvec: bool, by: str = "id"
) -> Prepared[Product]:
    """Return the query for a product, then the *limit* products most like it.

    The product itself has no distance; nothing is found where there is no such product.
    by: "id" or "sku", which is what the query is given.
    halfvec: the setting that the statement depends on, for the cache.
    """
    nothing = Value(None, output_field=FloatField())
    pk = Given(0) if by == "id" else ColumnOf(Product, "id", Given(0), by=by)
    product = Product.objects.filter(**{by: Given(0)}).order_by()
    similar = Product.objects.similar_to(Product(pk=pk), ef_search=ef_search)
    columns = (*DISPLAYED, "distance")
    both = (
        product.annotate(distance=nothing)  # type: ignore[no-redef]
        .values_list(*columns)
        .union(similar.values_list(*columns)[:limit], all=True)
    )
    return Prepared.of_objects(both, DISPLAYED, ["distance"])
