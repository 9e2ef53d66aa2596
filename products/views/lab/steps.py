"""The steps of the tour, and which of them a visitor has done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from products import samples

COOKIE = "lab"
COOKIE_SECONDS = 30 * 24 * 60 * 60


@dataclass(frozen=True)
class Step:
    """A step of the tour. name: that of its page's address and template."""

    number: int
    name: str
    title: str | Promise

    @property
    def address(self) -> str:
        return reverse(f"products:lab_{self.name}")


TITLES = {
    "samples": _("Load the samples"),
    "embedding": _("What an embedding is"),
    "distance": _("What the distance means"),
    "adding": _("Add a product"),
    "index": _("What the index does"),
    "filters": _("Why filters are hard"),
    "your_data": _("Your own data"),
}
STEPS = [
    Step(number, name, title) for number, (name, title) in enumerate(TITLES.items(), 1)
]


@require_safe
def tour(request: HttpRequest) -> HttpResponse:
    """Return the start of the tour: what it is about, and its steps."""
    counts = samples.counts()
    done = done_steps(request, counts)
    context = {
        "steps": STEPS,
        "done": done,
        "following": next((step for step in STEPS if step.name not in done), None),
        "counts": counts,
    }
    return render(request, "lab/tour.html", context)


@require_POST
def start_over(request: HttpRequest) -> HttpResponse:
    """Forget which steps this browser has done, and return to the start."""
    address = reverse("products:lab")
    response = HttpResponseRedirect(address)
    response.delete_cookie(COOKIE, path=address)
    return response


def render_step(
    request: HttpRequest,
    name: str,
    context: dict[str, Any],
    *,
    done: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Return the page of a step.

    done: whether this very request did what the step asks for.
    """
    counts = samples.counts()
    ticks = done_steps(request, counts) | ({name} if done else set())
    place = next(place for place, step in enumerate(STEPS) if step.name == name)
    context = {
        "form": None,
        **context,
        "steps": STEPS,
        "current": STEPS[place],
        "previous": STEPS[place - 1] if place else None,
        "following": STEPS[place + 1] if place + 1 < len(STEPS) else None,
        "done": ticks,
        "counts": counts,
    }
    response = render(request, f"lab/{name}.html", context, status=status)
    if done:
        remember(request, response, name)
    return response


def done_steps(request: HttpRequest, counts: dict[str, int]) -> set[str]:
    """Return the names of the steps that are done.

    counts: the products of each set of samples in the catalogue. What cannot be seen
    there, the visitor's cookie says.
    """
    done = remembered(request)
    if counts["ten"] == samples.size("ten") or counts["thousand"]:
        done.add("samples")
    if counts["new"]:
        done.add("adding")
    return done


def remembered(request: HttpRequest) -> set[str]:
    """Return the steps of the visitor's cookie; none if somebody forged it."""
    names = request.get_signed_cookie(COOKIE, default="", salt=COOKIE)
    return set((names or "").split(".")) & TITLES.keys()


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Let the visitor's browser keep that a step is done."""
    known = remembered(request)
    if name in known:
        return
    response.set_signed_cookie(
        COOKIE,
        ".".join(sorted({*known, name})),
        salt=COOKIE,
        max_age=COOKIE_SECONDS,
        path=reverse("products:lab"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
