"""Notes searches and clicks for the log. None of this asks the database anything."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from products.logged import LoggedEvent, LoggedQuery
from products.plain_text import tidy
from products.search import Filters, Results
from products.search_log.visitors import visitor_of
from products.search_log.writing import writer

SHOP = "shop"


def note_search(
    request: HttpRequest,
    results: Results,
    *,
    text: str,
    filters: Filters,
    application: str = SHOP,
    typed: bool = False,
    **attributes: Any,
) -> UUID | None:
    """Note a search by text, and return its id for the links to what it found.

    None, and nothing noted, for searches that the log leaves out. application: the
    address that was asked, SHOP for the pages; what asks at the others are programs, of
    which nobody is staff: to know who is signed in would take a statement. typed: whether
    the visitor may be typing still. attributes: what else was asked, such as the order,
    kept unless it is empty.
    """
    by_program = application != SHOP
    if not settings.SEARCH_LOG or not (text := tidy(text)):
        return None
    if not by_program and is_staff(request):
        return None
    if (visitor := visitor_of(request, by_program=by_program)) is None:
        return None
    asked = {
        "mode": results.mode,
        "page": results.page,
        "page_size": results.page_size,
        "categories": list(filters.categories),
        "min_price": price_text(filters.min_price),
        "max_price": price_text(filters.max_price),
        "corrected": results.corrected if settings.SEARCH_LOG_TEXTS else "",
        **attributes,
    }
    search = LoggedQuery(
        user_query=text if settings.SEARCH_LOG_TEXTS else "",
        application=application,
        query_attributes={name: value for name, value in asked.items() if value},
        query_response_hit_ids=[hit.product.sku for hit in results],
        first_position=results.first_position,
        found=results.total,
        filtered=bool(filters),
        typed=typed,
    )
    writer.put((visitor, search))
    return search.query_id


def note_click(
    request: HttpRequest, sku: str, *, query_id: UUID, position: int
) -> None:
    """Note that a visitor opened a product from the results of a search.

    position: its place among all results, from 1.
    """
    if settings.SEARCH_LOG and (visitor := visitor_of(request)):
        click = LoggedEvent(query_id=query_id, object_id=sku, position=position)
        writer.put((visitor, click))


def is_staff(request: HttpRequest) -> bool:
    """Return whether a colleague asks, who tries the search out."""
    return bool(request.user.is_staff)


def price_text(price: Any) -> str:
    """Return a price as JSON keeps it without loss, "" for none."""
    return "" if price is None else str(price)
