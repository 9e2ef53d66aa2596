"""Load and remove the sets of sample products."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.core.management import CommandError
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_POST

from products import samples
from products.numbers import grouped
from products.permissions import deleter_required, may_change, writer_required
from products.views.next_page import go_on, next_page

logger = logging.getLogger(__name__)


@require_POST
@writer_required
def load_samples(request: HttpRequest) -> HttpResponse:
    """Load a set of samples, or those missing for who may not change products."""
    name, replace = asked_set(request), may_change(request)
    try:
        count = samples.load(name, replace=replace)
    except (CommandError, DatabaseError):
        logger.exception("The sample products could not be loaded.")
        messages.error(
            request,
            _(
                "The sample products could not be loaded; nothing was changed. "
                "The server's log says why."
            ),
        )
    else:
        messages.success(request, loaded(count, replace=replace))
    return go_on(request, reverse("products:list"))


@require_POST
@deleter_required
def remove_samples(request: HttpRequest) -> HttpResponse:
    """Remove a set of samples, after a page that asks whether that is meant."""
    name, default = asked_set(request), reverse("products:lab_samples")
    if "confirmed" not in request.POST:
        context = {
            "name": name,
            "found": samples.find(name),
            "next": next_page(request, default),
        }
        return render(request, "lab/remove.html", context)
    found = samples.remove(name)
    if found.unchanged:
        messages.success(request, removed(found))
    else:
        messages.info(request, _("There is nothing to remove."))
    return go_on(request, default)


def asked_set(request: HttpRequest) -> str:
    """Return which set a form asks for, the ten where it names none."""
    name = request.POST.get("set", "ten")
    if name not in samples.SETS:
        raise Http404("There is no such set of sample products.")
    return name


def loaded(count: int, *, replace: bool) -> str:
    """Return the message for sample products that were loaded."""
    if not count:
        return _(
            "All sample products are in the catalogue already; they stay as they are."
        )
    text = ngettext(
        "Successfully loaded %(count)d sample product!",
        "Successfully loaded %(count)d sample products!",
        count,
    ) % {"count": count}
    if replace:
        return text
    kept = _("Those in the catalogue already stay as they are.")
    return f"{text} {kept}"


def removed(found: samples.Found) -> str:
    """Return the message for sample products that were removed."""
    count = len(found.unchanged)
    text = ngettext(
        "%(count)s sample product is removed.",
        "%(count)s sample products are removed.",
        count,
    ) % {"count": grouped(count)}
    if not found.changed:
        return text
    kept = ngettext(
        "%(count)s stays, because somebody changed it.",
        "%(count)s stay, because somebody changed them.",
        found.changed,
    ) % {"count": grouped(found.changed)}
    return f"{text} {kept}"
