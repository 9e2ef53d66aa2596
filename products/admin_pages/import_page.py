"""The admin's page "Import": upload, see what would happen, confirm."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from products.admin_pages.embeddings import embed_some
from products.admin_pages.impact import (
    MOST_CHANGED,
    SECONDS,
    ShownImpact,
    shown_impact,
)
from products.admin_pages.import_form import UploadForm
from products.admin_pages.log import IMPORTED, log
from products.admin_pages.upload import (
    Upload,
    delete_old_uploads,
    forget,
    keep,
    keep_refused_only,
    remember,
    remembered,
)
from products.catalog.changes import Change, Kind
from products.catalog.impact import ChangedRows, impact_of_import
from products.catalog.importing import ImportResult
from products.catalog.reading.records import Refusal
from products.catalog.reading.source import SourceError
from products.embeddings import EmbeddingError
from products.models import Product
from products.numbers import grouped
from products.upkeep.vector_index import IndexBuildError

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

SHOWN_ROWS = 50  # of each kind

PROBLEMS = (
    SourceError,
    EmbeddingError,
    ImproperlyConfigured,
    IndexBuildError,
    DatabaseError,
    OSError,  # such as a full disk, while the refused rows are written
)


@dataclass
class Preview:
    """What an import would do: counts, and the first rows of each kind."""

    result: ImportResult = field(default_factory=ImportResult)
    new: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    shown_rows: int = SHOWN_ROWS
    rows: ChangedRows = field(default_factory=lambda: ChangedRows(MOST_CHANGED))
    searches: ShownImpact | None = None

    def add_change(self, change: Change) -> None:
        kinds = {Kind.NEW: self.new, Kind.CHANGED: self.changed}
        rows = kinds.get(change.kind)
        if rows is not None and len(rows) < SHOWN_ROWS:
            rows.append(change)

    def add_refusal(self, refusal: Refusal) -> None:
        if len(self.refused) < SHOWN_ROWS:
            self.refused.append(refusal)


def may_import(model_admin: ModelAdmin[Product], request: HttpRequest) -> bool:
    """Return whether the user may do what an import can do."""
    return model_admin.has_add_permission(
        request
    ) and model_admin.has_change_permission(request)


def import_page(model_admin: ModelAdmin[Product], request: HttpRequest) -> HttpResponse:
    """Show the form, or the preview of an upload; import what was confirmed."""
    if not may_import(model_admin, request):
        raise PermissionDenied
    if request.method == "POST":
        delete_old_uploads()
    if "token" in request.POST:
        return confirm(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Import products"),
        "opts": model_admin.opts,
        "form": form,
        "last": remembered(request),
    }
    if request.method == "POST" and form.is_valid():
        context |= preview_context(request, form)
    return render(request, "admin/products/product/import.html", context)


def refused_page(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> HttpResponseBase:
    """Send the refused rows of this session's preview or import, as a CSV file."""
    if not may_import(model_admin, request):
        raise PermissionDenied
    upload = remembered(request)
    try:
        file = upload.refused.open("rb") if upload else None
    except FileNotFoundError:
        file = None
    if upload is None or file is None:
        messages.error(
            request,
            gettext(
                "The refused rows are not kept on this server, or no longer. Upload "
                "the file again to see them."
            ),
        )
        return redirect("admin:products_product_import")
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{upload.name}.rejects.csv",
        content_type="text/csv; charset=utf-8",
    )


# Preview


def preview_context(request: HttpRequest, form: UploadForm) -> dict[str, Any]:
    """Return the kept upload and its preview, or add to the form why there is none."""
    forget(request)
    try:
        upload = keep(form)
    except SourceError as err:
        form.add_problem(err, str(err))
        return {}
    except OSError as err:  # such as a full disk
        text = gettext("The server cannot keep the file: %(error)s")
        form.add_error("file", text % {"error": err})
        return {}
    try:
        preview = preview_of(upload)
        preview.searches = searches(request, preview)
    except PROBLEMS as err:
        upload.delete()
        form.add_problem(err, problem(err))
        return {}
    remember(request, upload)
    return {"upload": upload, "preview": preview}


def preview_of(upload: Upload) -> Preview:
    """Return what the import of an upload would do; changes nothing."""
    preview = Preview()
    with upload.opened(dry_run=True) as (job, rejects):

        def refuse(refusal: Refusal) -> None:
            rejects.add(refusal)
            preview.add_refusal(refusal)

        job.on_change, job.on_refusal = preview.rows.then(preview.add_change), refuse
        preview.result = job.run()
    return preview


def searches(request: HttpRequest, preview: Preview) -> ShownImpact | None:
    """Return which frequent searches the rows of a preview would change."""
    rows, result = preview.rows, preview.result
    return shown_impact(
        request,
        partial(
            impact_of_import, rows, result, using=DEFAULT_DB_ALIAS, seconds=SECONDS
        ),
        lambda: list(rows.remarks(result)),
    )


# Confirmation


def confirm(request: HttpRequest) -> HttpResponse:
    """Import the file that was previewed, and no other."""
    upload = remembered(request)
    if not (upload and upload.token) or not secrets.compare_digest(
        upload.token.encode(), request.POST["token"].encode()
    ):
        messages.error(
            request, gettext("This preview is no longer kept. Upload it again.")
        )
        return redirect("admin:products_product_import")
    if not upload.catalogue.is_file():
        messages.error(
            request,
            gettext(
                "The file is not kept on this server, or no longer. Upload it again, "
                "or run manage.py import_products on one of the servers."
            ),
        )
        return redirect("admin:products_product_import")
    try:
        import_upload(request, upload)
    finally:
        keep_refused_only(request, upload)
    return redirect("admin:products_product_changelist")


def import_upload(request: HttpRequest, upload: Upload) -> None:
    """Import the file, embed what a request has time for, and show the result."""
    result, failure = ImportResult(), ""
    try:
        with upload.opened(dry_run=False) as (job, _):
            result = job.result
            job.run()
    except PROBLEMS as err:
        failure = problem(err)
    log_import(request, upload, result, failure or result.stopped)
    show_result(request, result, failure or result.stopped)
    for sentence in result.notices.sentences():
        messages.warning(request, sentence)
    if result.without_vector:
        embed_some(request)
        show_what_is_left(request)


def show_what_is_left(request: HttpRequest) -> None:
    """Say how many products of the catalogue are not embedded yet, if there are any."""
    left = Product.objects.needs_embedding().count()
    if not left:
        return
    text = ngettext(
        "%(count)s product is not embedded yet, so it is found by its words only. The "
        "page Embeddings goes on with it.",
        "%(count)s products are not embedded yet, so they are found by their words only. "
        "The page Embeddings goes on with them.",
        left,
    )
    messages.info(request, text % {"count": grouped(left)})


def log_import(
    request: HttpRequest, upload: Upload, result: ImportResult, failure: str
) -> None:
    """Leave what an import did in the admin's log."""
    log(
        request,
        Product,
        IMPORTED,
        upload.name,
        new=result.new,
        changed=result.changed,
        refused=result.refused,
        failure=failure,
    )


def show_result(request: HttpRequest, result: ImportResult, failure: str) -> None:
    """Show what an import did, and what it did not."""
    if failure:
        messages.error(request, failure)
    messages.add_message(
        request,
        messages.WARNING if failure else messages.SUCCESS,
        imported(result),
    )
    if result.refused:
        messages.warning(
            request,
            format_html(
                gettext(
                    'Rows refused: {count}. <a href="{address}">Download them as CSV</a> '
                    "within an hour."
                ),
                count=grouped(result.refused),
                address=reverse("admin:products_product_refused"),
            ),
        )


def imported(result: ImportResult) -> str:
    """Return the sentence that says how many products were imported."""
    text = ngettext(
        "Imported %(stored)s product: %(new)s new, %(changed)s changed, "
        "%(unchanged)s unchanged.",
        "Imported %(stored)s products: %(new)s new, %(changed)s changed, "
        "%(unchanged)s unchanged.",
        result.stored,
    )
    return text % {
        "stored": grouped(result.stored),
        "new": grouped(result.new),
        "changed": grouped(result.changed),
        "unchanged": grouped(result.unchanged),
    }


def problem(err: Exception) -> str:
    """Return what went wrong; only the first line of what a database says."""
    text = str(err).strip()
    if isinstance(err, DatabaseError):
        first = text.split("\n")[0]
        return gettext(
            "The database failed: %(error)s. Import the same file again."
        ) % {"error": first}
    if isinstance(err, OSError):
        return gettext(
            "The server cannot keep the refused rows: %(error)s. Make room on its disk."
        ) % {"error": text}
    return text
