"""What the search box offers while somebody types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from products.search.completions import completions, examples


@require_safe
def complete(request: HttpRequest) -> HttpResponse:
    """Return the list of completions for a text, of examples where there is none."""
    text = request.GET.get("q", "")
    context = {
        "text": text,
        "found": completions(text),
        "examples": [] if text.strip() else examples(),
    }
    return render(request, "products/_completions.html", context)
