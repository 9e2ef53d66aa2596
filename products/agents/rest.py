"""The catalogue over HTTP: the profile, and UCP's REST binding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import conditional_page, require_POST, require_safe

from products.agents.catalog import (
    Caller,
    get_product,
    lookup_catalog,
    search_catalog,
)
from products.agents.door import check_offered, let_in
from products.agents.negotiation import check_agent_header
from products.agents.profile import profile
from products.agents.refusals import Refusal
from products.api.limits import Run, with_limits

Operation = Callable[[Any, Caller], dict[str, Any]]

PROFILE_SECONDS = (
    3600  # as long caches may keep the profile; UCP wants a minute at least
)


@require_safe
@conditional_page
def show_profile(request: HttpRequest) -> HttpResponse:
    """Return the profile, by which agents find the addresses of all else."""
    try:
        check_offered()
    except Refusal as err:
        return refused(request, err)
    response = JsonResponse(profile(request))
    patch_cache_control(response, public=True, max_age=PROFILE_SECONDS)
    return response


def operation_view(operation: Operation) -> Run:
    """Return a view that answers one operation. It reads no cookie and sets none."""

    @csrf_exempt
    @require_POST
    @with_limits
    def view(request: HttpRequest) -> HttpResponse:
        try:
            data = let_in(request)
            check_agent_header(request.headers.get("UCP-Agent", ""))
            with translation.override("en"):
                return JsonResponse(operation(data, Caller(request, "ucp")))
        except Refusal as err:
            return refused(request, err)

    return view


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return a transport error, with the page where a person can go on."""
    store = request.build_absolute_uri(reverse("products:list"))
    return JsonResponse(
        {**refusal.as_json(), "continue_url": store},
        status=refusal.status,
        headers=refusal.headers(),
    )


search = operation_view(search_catalog)
lookup = operation_view(lookup_catalog)
product = operation_view(get_product)
