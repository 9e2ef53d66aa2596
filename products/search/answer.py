"""Turns a question into one page of results.

results = search("earphones", Filters(categories=("Electronics",)))
for hit in results:
    print(hit.product.name, hit.score)
print(results.plan.reason)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F, Value
from django.utils.translation import gettext as _

from products.embeddings import BaseEmbeddingBackend, get_backend
from products.models import Product
from products.querysets import ProductQuerySet
from products.recipes import with_active_backend
from products.search.candidates import WINDOW, look_up
from products.search.facets import catalogue_facets, ranked_facets
from products.search.filters import Filters, SearchError
from products.search.nearest import Plan, recorded
from products.search.question import PAGE_SIZE, Mode, Request, Sort, choose, clean_text
from products.search.rank import rank
from products.search.results import Candidate, Hit, Results
from products.sql.prepared import ANY_TEXT, InArray, Prepared, array_of

__all__ = [
    "PAGE_SIZE",
    "Filters",
    "Mode",
    "Results",
    "SearchError",
    "Sort",
    "search",
    "similar_to",
]

# How many products the catalogue without a question is paged through.
LISTING_WINDOW = 10_000


def search(
    text: str = "",
    filters: Filters = Filters(),  # noqa: B008 - immutable
    *,
    mode: str = Mode.HYBRID,
    like: Sequence[Product] = (),
    unlike: Sequence[Product] = (),
    diversity: float = 0.0,
    sort: str = Sort.NAME,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    embedder: BaseEmbeddingBackend | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Results:
    """Return one page of the products that answer a question, best first.

    text: what a shopper types, at most 1,000 characters; without text and examples
    the catalogue is listed, by *sort*. like, unlike: at most 20 example products,
    alone or beside a text; they are left out of the results. mode: see Mode; used
    with a text. diversity: 0 for the nearest, up to 1 for the most varied, by maximal
    marginal relevance. page: from 1; a page after the last gives the last. page_size:
    1 to 200. embedder: by default the backend of the recipe in force, also while that
    is switched.

    A product whose sku is the text comes first. What is too far from a text is left
    out; products with a word of it stay. At most 700 products are ranked, 200 of
    them by meaning and 500 for their words, see best_matches() (10,000 are listed).
    When the text cannot be embedded, keyword results come with a notice.
    Raises SearchError for anything that cannot be searched for.

    Takes at most 13 statements, and two around them that look for a switch of the
    recipe; two for the catalogue; one for the first page of "similar to this product",
    up to 19 of them and without filters, where the index gives a full page. The facets
    are counted when asked for.
    """
    request = Request(
        text=clean_text(text),
        filters=filters,
        mode=choose(Mode, mode, "mode"),
        like=tuple(like),
        unlike=tuple(unlike),
        diversity=diversity,
        sort=choose(Sort, sort, "sort"),
        page=page,
        page_size=page_size,
        backend=embedder or get_backend(),
        using=using,
    )
    if embedder or request.single_example or not (request.text or request.examples):
        return answer(request)
    return with_active_backend(
        lambda backend: answer(with_fresh_examples(replace(request, backend=backend))),
        using=using,
        doubtful=SearchError,  # examples by another recipe than the text
    )


def similar_to(
    pk: int, *, page_size: int = PAGE_SIZE, using: str = DEFAULT_DB_ALIAS
) -> tuple[Product, Results | None]:
    """Return a product by its id, and the first page of the products most like it.

    As search(like=[product]) does, in one statement with the product where the index
    gives a full page. None instead of the page where the product has no embedding.
    Raises Product.DoesNotExist.
    """
    plan = Plan("similar", "")
    with recorded(plan, using=using):
        read = Product.objects.db_manager(using).with_similar(pk, 1 + page_size)
        if not read:
            raise Product.DoesNotExist
        product, *similar = read
        if not product.embedding_fingerprint:
            return product, None
        request = Request(like=(product,), page_size=page_size, using=using)
        return product, similar_page(request, plan, product, similar)


def with_fresh_examples(request: Request) -> Request:
    """Return the question with its examples as they are stored now."""
    if not request.examples:
        return request
    products = Product.objects.using(request.using).for_display()
    stored = products.in_bulk([product.pk for product in request.examples])
    return replace(
        request,
        like=tuple(stored.get(product.pk, product) for product in request.like),
        unlike=tuple(stored.get(product.pk, product) for product in request.unlike),
    )


def answer(request: Request) -> Results:
    """Return the page of results that answers a question."""
    plan = Plan("listing", "")
    using = request.using
    with recorded(plan, using=using):
        if example := request.single_example:
            return similar_page(request, plan, example)
        if request.text or request.examples:
            return ranked_page(request, plan)
        return catalogue_page(request, plan)


def similar_page(
    request: Request, plan: Plan, example: Product, read: list[Product] | None = None
) -> Results:
    """Return the products like one other: one statement where nothing is filtered.

    read: the first of them, if they were read with the example.
    """
    if not example.embedding_fingerprint:
        raise SearchError(
            _("%(name)s has no embedding yet. Run manage.py embed_products.")
            % {"name": example.name}
        )

    def nearest(*, exact: bool) -> ProductQuerySet | list[Product]:
        products = Product.objects.using(request.using)
        if not exact and not request.filters:
            return products.with_similar(example.pk, limit)[1:]
        narrowed = request.filters.narrow(products)
        return narrowed.for_display().similar_to(example, exact=exact)

    limit = 1 + request.page_size
    found = in_order(look_up(request, plan, nearest, limit, read))
    if request.page > 1:
        # The first page stays as it was shown: the index, asked for more, may find
        # what it missed before, and no product may be on two pages.
        limit = 1 + WINDOW
        first = found[: request.page_size]
        shown_before = {product.pk for product in first}
        found = first + [
            product
            for product in in_order(look_up(request, plan, nearest, limit))
            if product.pk not in shown_before
        ]
    total = min(len(found), WINDOW)
    page, shown = place(request, total)
    return Results(
        hits=similar_hits(found[:total])[shown],
        plan=plan,
        mode="similar",
        total=total,
        more=len(found) >= limit or plan.partial,
        page=page,
        page_size=request.page_size,
        count_facets=lambda: ranked_facets(request),
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


def catalogue_page(request: Request, plan: Plan) -> Results:
    """Return a page of the catalogue, as far as it passes the filters."""
    plan.reason = _("no question was asked")
    products = request.filters.narrow(Product.objects.using(request.using))
    counted = products.order_by()[: LISTING_WINDOW + 1].count()
    total = min(counted, LISTING_WINDOW)
    page, shown = place(request, total)
    hits = [
        Hit(product.pk, product.category, score=0.0, product=product)
        for product in products.for_display().order_by(request.sort, "pk")[shown]
    ]
    plan.rows = len(hits)
    return Results(
        hits=hits,
        plan=plan,
        mode="listing",
        total=total,
        more=counted > LISTING_WINDOW,
        page=page,
        page_size=request.page_size,
        count_facets=lambda: catalogue_facets(request),
    )


def ranked_page(request: Request, plan: Plan) -> Results:
    """Return a page of what a text, examples, or both find."""
    ranking, notice = rank(request, plan)
    total = len(ranking.candidates)
    page, shown = place(request, total)
    return Results(
        hits=load_hits(request, ranking.candidates[shown]),
        plan=plan,
        mode=request.mode if request.text else "similar",
        total=total,
        more=ranking.more,
        page=page,
        page_size=request.page_size,
        count_facets=lambda: ranked_facets(request, ranking),
        notice=notice,
    )


def load_hits(request: Request, candidates: Sequence[Candidate]) -> list[Hit]:
    """Return the candidates with their products; one statement."""
    ids = array_of([candidate.pk for candidate in candidates])
    found = products_by_id().objects(ids, using=request.using)
    loaded = {product.pk: product for product in found}
    # A product that was deleted since it was ranked is left out.
    return [
        Hit(**vars(candidate), product=loaded[candidate.pk])
        for candidate in candidates
        if candidate.pk in loaded
    ]


@cache
def products_by_id() -> Prepared[Product]:
    """Return the query for products by an array of ids."""
    products = Product.objects.for_display().order_by()
    return Prepared.of(products.filter(InArray(F("pk"), Value(ANY_TEXT))))


def place(request: Request, total: int) -> tuple[int, slice]:
    """Return the page to show, the last one where there are fewer, and its slice."""
    page = min(request.page, max(1, -(-total // request.page_size)))
    start = (page - 1) * request.page_size
    return page, slice(start, min(start + request.page_size, total))
