"""What the admin does with selected products: embed them again, export them."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext_lazy as _, ngettext

from products.admin_pages.embeddings import MAX_PRODUCTS, show_failures, take_batches
from products.models import Product
from products.numbers import grouped
from products.querysets import ProductQuerySet
from products.upkeep.pending import Failures, embed_again

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Product]
else:  # Django's class takes no type argument at run time
    ModelAdmin = admin.ModelAdmin

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
}


@admin.action(description=_("Embed selected products again"), permissions=["change"])
def embed_selected(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Product]
) -> None:
    """Embed the first of the selected products, fresh or not, as time allows."""
    failures = Failures()
    selected = queryset.count()
    ids = queryset.order_by("pk").values_list("pk", flat=True)[:MAX_PRODUCTS]
    done = take_batches(request, embed_again(list(ids), failures=failures))
    text = ngettext(
        "Embedded %(done)s of %(selected)s selected product.",
        "Embedded %(done)s of %(selected)s selected products.",
        selected,
    )
    counts = {"done": grouped(done), "selected": grouped(selected)}
    messages.info(request, text % counts)
    show_failures(request, failures)
    if done + len(failures.reasons) < selected:
        messages.warning(
            request,
            ngettext(
                "At most %(most)d product is embedded at once, the one with the lowest "
                "id. For more run manage.py embed_products.",
                "At most %(most)d products are embedded at once, those with the lowest "
                "ids first. For more run manage.py embed_products.",
                MAX_PRODUCTS,
            )
            % {"most": MAX_PRODUCTS},
        )


@admin.action(description=_("Export selected products as CSV"), permissions=["view"])
def export_csv(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Product]
) -> FileResponse:
    """Send the selected products as CSV."""
    return download(queryset, "csv")


@admin.action(
    description=_("Export selected products as JSON Lines"), permissions=["view"]
)
def export_jsonl(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Product]
) -> FileResponse:
    """Send the selected products as JSON Lines."""
    return download(queryset, "jsonl")


def download(queryset: QuerySet[Product], format: str) -> FileResponse:
    """Return the products as a file, which an import reads back without a change."""
    from products.catalog.exporting import export
    from products.catalog.reading.source import Format

    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    export(cast(ProductQuerySet, queryset), file, Format(format))
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"products.{format}",
        content_type=CONTENT_TYPES[format],
    )
