"""The three operations of UCP's catalogue, whatever door an agent comes by.

Each takes the JSON that was asked and the caller, and returns the JSON of the answer.
They raise Refusal for what cannot be answered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from products.agents.cursors import cursor_to, place_of
from products.agents.profile import LOOKUP, SEARCH, envelope
from products.agents.questions import (
    MAX_IDS,
    Context,
    LookupRequest,
    ProductRequest,
    SearchFilters,
    SearchRequest,
    checked,
)
from products.agents.refusals import Refusal
from products.agents.shapes import ucp_product
from products.currency import from_minor_units, shop_currency
from products.models import Product
from products.offers import offer_of
from products.search import Filters, Results, SearchError, search
from products.search.question import check_text
from products.search_log.noting import note_search

Message = dict[str, str]


@dataclass(frozen=True)
class Caller:
    """Who asks. application: the door, as the search log names it."""

    request: HttpRequest
    application: str

    def absolute(self, address: str) -> str:
        """Return an address that begins with "/" whole, and others as they are."""
        return self.request.build_absolute_uri(address)


def search_catalog(data: Any, caller: Caller) -> dict[str, Any]:
    """Return the products that a query finds, or that filters leave of the catalogue."""
    request = checked(SearchRequest, data)
    filters, messages = read_filters(request.filters, request.context)
    if not request.query.strip() and not (filters or request.filters.price):
        raise Refusal(
            "invalid_request",
            "Say what to look for: a query, or filters by categories or price.",
        )
    place = place_of(request)
    try:
        results = search(request.query, filters, page=place.page, page_size=place.size)
    except SearchError as err:
        raise Refusal("invalid_request", str(err)) from err
    # The last page stands in for one after it, which products that went leave empty.
    if results.page != place.page:
        results = replace(results, hits=[])
    note_search(
        caller.request,
        results,
        text=request.query,
        filters=filters,
        application=caller.application,
    )
    cursor = cursor_to(place, place.page + 1) if results.has_next else None
    return answer(
        SEARCH,
        products=[
            ucp_product(offer_of(hit.product, caller.absolute), short=True)
            for hit in results
        ],
        pagination=pagination(results, cursor),
        messages=[*messages, *(said_of(results) if results.hits else [])],
    )


def lookup_catalog(data: Any, caller: Caller) -> dict[str, Any]:
    """Return the products with some ids, as far as they pass the filters."""
    request = checked(LookupRequest, data)
    ids = list(dict.fromkeys(request.ids))
    if len(ids) > MAX_IDS:
        raise Refusal(
            "request_too_large", f"At most {MAX_IDS} ids can be looked up at once."
        )
    filters, messages = read_filters(request.filters, request.context)
    found = with_skus(ids, filters)
    missing = [message("info", "not_found", each) for each in ids if each not in found]
    return answer(
        LOOKUP,
        products=[
            ucp_product(offer_of(found[sku], caller.absolute), inputs=[sku])
            for sku in ids
            if sku in found
        ],
        messages=[*messages, *missing],
    )


def get_product(data: Any, caller: Caller) -> dict[str, Any]:
    """Return all that the shop knows of one product, or that there is none."""
    request = checked(ProductRequest, data)
    filters, messages = read_filters(request.filters, request.context)
    found = with_skus([request.id], filters)
    if not found:
        text = f"No product has the id {request.id[:200]!r} and passes the filters."
        missing = message("error", "not_found", text, severity="unrecoverable")
        return {"ucp": envelope(LOOKUP, "error"), "messages": [missing]}
    product = ucp_product(offer_of(found[request.id], caller.absolute))
    return answer(LOOKUP, product=product, messages=messages)


def with_skus(ids: list[str], filters: Filters) -> dict[str, Product]:
    """Return the products with these ids that pass, by their id. One statement."""
    products = filters.narrow(Product.objects.filter(sku__in=filter(is_text, ids)))
    return {product.sku: product for product in products.for_display()}


def is_text(text: str) -> bool:
    """Return whether PostgreSQL can hold a text: what it cannot hold is no id."""
    try:
        check_text(text)
    except SearchError:
        return False
    return True


def read_filters(
    asked: SearchFilters, context: Context
) -> tuple[Filters, list[Message]]:
    """Return the filters, and messages about those that the shop cannot apply.

    Prices of another currency are not converted: that filter is left out, as UCP allows.
    """
    messages = [
        message("warning", "filter_ignored", f"The filter {name[:100]!r} is not known.")
        for name in list(asked.model_extra or {})[:10]
    ]
    price = asked.price
    currency = shop_currency() or ""
    if price and context.currency and context.currency.upper() != currency:
        text = (
            f"The price filter was ignored: this shop has prices in {currency} alone."
        )
        messages.append(message("warning", "currency_not_converted", text))
        price = None
    try:
        filters = Filters(
            categories=tuple(asked.categories),
            min_price=price_of(price.min, currency) if price else None,
            max_price=price_of(price.max, currency) if price else None,
        )
    except SearchError as err:
        raise Refusal("invalid_request", str(err)) from err
    return filters, messages


def price_of(amount: int | None, currency: str) -> Decimal | None:
    """Return the price of some minor units, None for none."""
    return None if amount is None else from_minor_units(amount, currency)


def pagination(results: Results, cursor: str | None) -> dict[str, Any]:
    """Return where the next page is. The total is left out where it is only a bound."""
    page: dict[str, Any] = {"has_next_page": cursor is not None}
    if cursor:
        page["cursor"] = cursor
    if not results.more:
        page["total_count"] = results.total
    return page


def said_of(results: Results) -> list[Message]:
    """Return what the buyer should know of the results."""
    said = []
    if results.corrected:
        text = f"The shop searched for {results.corrected!r} in place of the query."
        said.append(message("info", "query_corrected", text))
    if results.notice:
        said.append(message("info", "search_notice", results.notice))
    return said


def message(kind: str, code: str, content: str, **more: str) -> Message:
    """Return a message of an answer."""
    return {"type": kind, "code": code, "content": content, **more}


def answer(
    capability: str, *, messages: list[Message], **content: Any
) -> dict[str, Any]:
    """Return an answer, with messages where there are any."""
    said = {"messages": messages} if messages else {}
    return {"ucp": envelope(capability), **content, **said}
