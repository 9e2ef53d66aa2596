"""The admin's page "Import": upload, see what would happen, confirm."""

from __future__ import annotations

import gzip
import secrets
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from products.catalog.importing import CatalogImport, ImportResult
from products.catalog.planning import Change, Kind
from products.catalog.records import Refusal
from products.catalog.rows import COLUMNS
from products.catalog.source import (
    GZIP_MAGIC,
    Format,
    SourceError,
    format_of,
    open_source,
)
from products.embeddings import EmbeddingError
from products.embeddings_page import embed_some
from products.models import Product
from products.vector_index import IndexBuildError

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

# What a request can import before a proxy gives up on it; counted unpacked.
MAX_BYTES = 20_000_000
MAX_MEGABYTES = MAX_BYTES // 10**6
SHOWN_ROWS = 50  # of each kind

PREFIX = "vectorshop-import-"  # of the temporary files
KEEP_SECONDS = 3600
SESSION_KEY = "product_import"

PROBLEMS = (
    SourceError,
    EmbeddingError,
    ImproperlyConfigured,
    IndexBuildError,
    DatabaseError,
)


COLUMN_LABELS = {
    "sku": _("Column with the sku"),
    "name": _("Column with the name"),
    "category": _("Column with the category"),
    "description": _("Column with the description"),
    "price": _("Column with the price"),
}


class UploadForm(forms.Form):
    """A catalogue file, and how to read it."""

    file = forms.FileField(
        label=_("File"),
        help_text=format_lazy(
            _("CSV, TSV, JSON or JSON Lines, also packed by gzip, up to {most} MB."),
            most=MAX_MEGABYTES,
        ),
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[
            ("", _("by the ending of its name")),
            *((f, f.upper()) for f in Format),
        ],
        required=False,
    )
    delimiter = forms.ChoiceField(
        label=_("Delimiter"),
        choices=[
            ("", _("usual for the format")),
            (",", _("comma")),
            (";", _("semicolon")),
        ],
        required=False,
        help_text=_("What separates the columns of a CSV file."),
    )
    encoding = forms.CharField(
        label=_("Encoding"), initial="utf-8", required=False, max_length=40
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in COLUMNS:
            self.fields[f"column_{name}"] = forms.CharField(
                required=False,
                max_length=200,
                label=COLUMN_LABELS[name],
                help_text=gettext("When it is not called %(name)s in the file.")
                % {"name": name},
            )

    def clean(self) -> dict[str, Any]:
        """Find out the format, when it was not given."""
        data = super().clean() or self.cleaned_data
        if data.get("file") and not data.get("format"):
            try:
                data["format"] = format_of(data["file"].name)
            except SourceError:
                self.add_error(
                    "format", _("The name does not tell. Choose the format.")
                )
        return data

    def columns(self) -> dict[str, str]:
        """Return the name in the file of each column that has another one there."""
        names = {name: self.cleaned_data[f"column_{name}"] for name in COLUMNS}
        # The names in the file are compared in small letters.
        return {name: given.casefold() for name, given in names.items() if given}


@dataclass(frozen=True)
class Upload:
    """A file that waits for its confirmation, in a file only this server can read."""

    token: str
    path: str
    name: str
    format: str
    delimiter: str
    encoding: str
    columns: dict[str, str]

    @contextmanager
    def opened(self, *, dry_run: bool) -> Iterator[CatalogImport]:
        """Give the import of the file. Raises SourceError when it cannot be read."""
        with open_source(
            self.path, format=Format(self.format), encoding=self.encoding or "utf-8"
        ) as source:
            source.name = self.name  # in messages
            yield CatalogImport(
                source,
                columns=self.columns,
                delimiter=self.delimiter,
                dry_run=dry_run,
                embed=False,  # takes longer than a request may; see embed_some()
                keep_index=True,
            )

    def delete(self) -> None:
        Path(self.path).unlink(missing_ok=True)


@dataclass
class Preview:
    """What an import would do: counts, and the first rows of each kind."""

    result: ImportResult = field(default_factory=ImportResult)
    new: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    shown_rows: int = SHOWN_ROWS

    def add_change(self, change: Change) -> None:
        kinds = {Kind.NEW: self.new, Kind.CHANGED: self.changed}
        rows = kinds.get(change.kind)
        if rows is not None and len(rows) < SHOWN_ROWS:
            rows.append(change)

    def add_refusal(self, refusal: Refusal) -> None:
        if len(self.refused) < SHOWN_ROWS:
            self.refused.append(refusal)


def import_page(model_admin: ModelAdmin[Product], request: HttpRequest) -> HttpResponse:
    """The form; after an upload the preview; after its confirmation the list."""
    if not may_import(model_admin, request):
        raise PermissionDenied
    if "token" in request.POST:
        return confirm(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Import products"),
        "opts": model_admin.opts,
        "form": form,
    }
    if request.method == "POST" and form.is_valid():
        context |= preview_context(request, form)
    return render(request, "admin/products/product/import.html", context)


def may_import(model_admin: ModelAdmin[Product], request: HttpRequest) -> bool:
    """Return whether the user may do what an import can do."""
    return model_admin.has_add_permission(
        request
    ) and model_admin.has_change_permission(request)


def preview_context(request: HttpRequest, form: UploadForm) -> dict[str, Any]:
    """Keep the upload and return its preview, or add to the form why there is none."""
    forget(request)
    try:
        upload = keep(form)
    except SourceError as err:
        form.add_error("file", str(err))
        return {}
    except OSError as err:  # such as a full disk
        text = gettext("The server cannot keep the file: %(error)s")
        form.add_error("file", text % {"error": err})
        return {}
    try:
        preview = preview_of(upload)
    except PROBLEMS as err:
        upload.delete()
        form.add_error("file", problem(err))
        return {}
    request.session[SESSION_KEY] = asdict(upload)
    return {"upload": upload, "preview": preview}


def preview_of(upload: Upload) -> Preview:
    """Return what the import of an upload would do; changes nothing."""
    preview = Preview()
    with upload.opened(dry_run=True) as job:
        job.on_change, job.on_refusal = preview.add_change, preview.add_refusal
        preview.result = job.run()
    return preview


def confirm(request: HttpRequest) -> HttpResponse:
    """Import the file that was previewed, and no other."""
    kept = request.session.get(SESSION_KEY)
    if not kept or not secrets.compare_digest(
        kept["token"].encode(), request.POST["token"].encode()
    ):
        messages.error(request, _("This preview is no longer kept. Upload it again."))
        return redirect("admin:products_product_import")
    upload = Upload(**kept)
    if not Path(upload.path).is_file():
        messages.error(
            request,
            _(
                "The file is not kept on this server, or no longer. Upload it again, "
                "or run manage.py import_products on one of the servers."
            ),
        )
        return redirect("admin:products_product_import")
    try:
        import_upload(request, upload)
    finally:
        forget(request)
    return redirect("admin:products_product_changelist")


def import_upload(request: HttpRequest, upload: Upload) -> None:
    """Import, embed what a request has time for, and tell what came of it."""
    result, level = ImportResult(), messages.SUCCESS
    try:
        with upload.opened(dry_run=False) as job:
            result = job.result
            job.run()
    except PROBLEMS as err:
        messages.error(request, problem(err))
        level = messages.WARNING
    messages.add_message(request, level, imported(result))
    if result.refused:
        text = ngettext(
            "%(count)s row was refused.", "%(count)s rows were refused.", result.refused
        )
        messages.warning(request, text % {"count": grouped(result.refused)})
    if result.stopped:
        messages.error(request, result.stopped)
    if result.without_vector:
        embed_some(request)
        text = ngettext(
            "%(count)s text was new. If it is not embedded yet, it shows as missing or "
            "stale: use the page Embeddings, or manage.py embed_products.",
            "%(count)s texts were new. Those not embedded yet show as missing or "
            "stale: use the page Embeddings, or manage.py embed_products.",
            result.without_vector,
        )
        messages.info(request, text % {"count": grouped(result.without_vector)})


def imported(result: ImportResult) -> str:
    """Return the sentence that tells how many products were imported."""
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


def grouped(count: int) -> str:
    """Return a number with its thousands separated."""
    return number_format(count, force_grouping=True)


def problem(err: Exception) -> str:
    """Return what went wrong; the first line, where a database tells many."""
    text = str(err).strip()
    if isinstance(err, DatabaseError):
        first = text.split("\n")[0]
        return gettext(
            "The database failed: %(error)s. Import the same file again."
        ) % {"error": first}
    return text


# The file between preview and confirmation


def keep(form: UploadForm) -> Upload:
    """Write the upload, unpacked, to a private temporary file.

    Raises SourceError when it is too large unpacked, or no whole gzip file.
    """
    delete_old_files()
    data = form.cleaned_data
    with tempfile.NamedTemporaryFile(prefix=PREFIX, delete=False) as file:
        upload = Upload(
            token=secrets.token_urlsafe(),
            path=file.name,
            name=data["file"].name,
            format=str(data["format"]),
            delimiter=data["delimiter"],
            encoding=data["encoding"],
            columns=form.columns(),
        )
        try:
            copy(data["file"], cast("IO[bytes]", file))
        except (OSError, EOFError, zlib.error) as err:
            upload.delete()
            raise SourceError(
                gettext("The file cannot be kept or unpacked: %(error)s")
                % {"error": err}
            ) from err
        except SourceError:
            upload.delete()
            raise
    return upload


def copy(upload: UploadedFile[Any], target: IO[bytes]) -> None:
    """Copy an upload, unpacked; raise SourceError when that is too large."""
    packed = upload.read(2) == GZIP_MAGIC
    upload.seek(0)
    source = gzip.GzipFile(fileobj=cast(Any, upload)) if packed else upload
    size = 0
    while data := source.read(1 << 16):
        size += len(data)
        if size > MAX_BYTES:
            raise SourceError(
                gettext(
                    "The file is larger than %(most)d MB. Import it on the server, "
                    "where it may be of any size: manage.py import_products FILE"
                )
                % {"most": MAX_MEGABYTES}
            )
        target.write(data)


def forget(request: HttpRequest) -> None:
    """Delete the upload of this session."""
    kept = request.session.pop(SESSION_KEY, None)
    if kept:
        Upload(**kept).delete()


def delete_old_files() -> None:
    """Delete uploads that nobody confirmed."""
    oldest = time.time() - KEEP_SECONDS
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except (FileNotFoundError, PermissionError):
            pass  # another process deleted it, or it is another user's
