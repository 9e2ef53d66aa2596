"""Under which address search engines know a page of the list."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from products.forms import SearchForm
from products.search import Results

# The parameters of pages that are worth finding elsewhere: the catalogue's own and those
# of its categories. Searches, filters and orders are endless, and show the same products.
INDEXED = {"category", "page"}


def list_canonical(request: HttpRequest, results: Results) -> str | None:
    """Return the absolute address of a page of the list; None: it is not to be indexed.

    Without parameters that are not the shop's, such as those that count clicks. See
    https://developers.google.com/search/docs/specialty/ecommerce/pagination-and-incremental-page-loading
    """
    asked = {name for name in SearchForm.base_fields if any(request.GET.getlist(name))}
    categories = request.GET.getlist("category")
    if asked - INDEXED or len(categories) > 1 or not results.total:
        return None
    parameters: dict[str, str | int] = {}
    if categories:
        parameters["category"] = categories[0]
    if results.page > 1:
        parameters["page"] = results.page
    query = f"?{urlencode(parameters)}" if parameters else ""
    return request.build_absolute_uri(reverse("products:list") + query)
