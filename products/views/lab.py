"""The lab: a tour for those who learn how the search works."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from products.samples import new_products


@require_safe
def tour(request: HttpRequest) -> HttpResponse:
    """Return the page with the lab's three actions."""
    context = {"new_products": new_products().values()}
    return render(request, "lab/tour.html", context)
