"""The admin's synonyms: a preview of each, files in and out, and suggestions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from products.admin_pages.impact import SECONDS, ShownImpact, shown_impact
from products.admin_pages.log import IMPORTED, log
from products.admin_pages.synonym_form import HINTS, SynonymFileForm, SynonymForm
from products.catalog.reading.source import Format, Source, SourceError
from products.catalog.synonym_files import (
    SynonymFile,
    export_synonyms,
    read_synonyms,
    store,
    write_synonyms,
)
from products.embeddings import EmbeddingError
from products.insight.before_after import preview
from products.insight.neighbour_words import suggestions
from products.models import Synonym
from products.numbers import grouped
from products.quality.impact import impact_of_synonyms
from products.search.synonym_entries import Entry
from products.views.busy import or_busy

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Synonym]
else:  # Django's class takes no type argument at run time
    ModelAdmin = admin.ModelAdmin

SHOWN_ROWS = 50


class SynonymAdmin(ModelAdmin):
    form = SynonymForm
    list_display = ["title", "way", "updated_at"]
    search_fields = ["words", "finds"]
    show_full_result_count = False

    @admin.display(description=_("synonym"), ordering="words")
    def title(self, synonym: Synonym) -> str:
        return str(synonym)

    @admin.display(description=_("works"))
    def way(self, synonym: Synonym) -> str:
        return gettext("one way") if synonym.finds else gettext("both ways")

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "preview/": (self.preview_view, "preview"),
            "<int:pk>/preview/": (self.preview_view, "preview"),
            "import/": (self.import_view, "import"),
            "export/": (self.export_view, "export"),
            "suggestions/": (or_busy(self.suggestions_view), "suggestions"),
        }
        urls = [
            path(
                route, self.admin_site.admin_view(view), name=f"products_synonym_{name}"
            )
            for route, (view, name) in pages.items()
        ]
        return [*urls, *super().get_urls()]

    def page(
        self, request: HttpRequest, page: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Return one of the pages, in the frame of the admin; 400 for a wrong form."""
        every = {**self.admin_site.each_context(request), "opts": self.opts}
        form = context.get("form")
        return render(
            request,
            f"admin/products/synonym/{page}.html",
            every | context,
            status=400 if form and form.errors else 200,
        )

    # What a change would do

    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Show what the words in the form find now and would find then."""
        synonym = get_object_or_404(Synonym, pk=pk) if pk else None
        if not self.may_save(request, synonym):
            raise PermissionDenied
        save = (
            reverse("admin:products_synonym_change", args=[pk])
            if pk
            else reverse("admin:products_synonym_add")
        )
        if request.method != "POST":
            return redirect(save)
        form = SynonymForm(request.POST, instance=synonym)
        context = {
            "title": gettext("What the synonym changes"),
            "form": form,
            "save": save,
        }
        if form.is_valid():
            entry = Entry(form.cleaned_data["words"], form.cleaned_data["finds"])
            context["preview"] = preview([entry], replaced=pk)
            context["searches"] = searches(request, [entry], gone=[pk] if pk else [])
        return self.page(request, "preview", context)

    def may_save(self, request: HttpRequest, synonym: Synonym | None) -> bool:
        """Return whether the user may add a synonym, or change this one."""
        if synonym is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, synonym)

    # Files

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Send all synonyms as CSV, which an import reads back without a change."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        file = io.BytesIO()
        export_synonyms(file)
        return HttpResponse(
            file.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="synonyms.csv"'},
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form, or what an uploaded file would change; store what was shown."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        title = gettext("Import synonyms")
        if "shown" in request.POST:
            return self.store_shown(request)
        posted = request.method == "POST"
        given = (request.POST, request.FILES) if posted else ()
        form = SynonymFileForm(*given)
        context: dict[str, Any] = {"title": title, "form": form}
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                found = read_upload(file.read(), file.name, form.cleaned_data["format"])
            except SourceError as err:
                form.add_error("file", str(err))
            else:
                context |= shown(request, found, file.name)
        return self.page(request, "import", context)

    def store_shown(self, request: HttpRequest) -> HttpResponse:
        """Store the synonyms of the preview, which the form sends back as CSV."""
        name = request.POST.get("name", "")
        try:
            found = read_upload(request.POST["shown"].encode(), name, Format.CSV)
        except (SourceError, UnicodeEncodeError):
            found = None
        if found is None or found.refused:
            messages.error(
                request,
                gettext("The file could not be read again. Upload it once more."),
            )
            return redirect("admin:products_synonym_import")
        store(found)
        counts = {"new": len(found.new), "changed": 0, "refused": 0, "failure": ""}
        log(request, Synonym, IMPORTED, name, flag=ADDITION, **counts)
        text = ngettext(
            "Imported %(count)s synonym.",
            "Imported %(count)s synonyms.",
            len(found.new),
        )
        messages.success(request, text % {"count": grouped(len(found.new))})
        return redirect("admin:products_synonym_changelist")

    # Suggestions

    def suggestions_view(self, request: HttpRequest) -> HttpResponse:
        """List pairs of words of the catalogue that may be synonyms."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = suggestions()
        except EmbeddingError as err:
            messages.error(request, str(err))
            found = []
        context = {
            "title": gettext("Suggested synonyms"),
            "suggestions": found,
            "may_add": self.has_add_permission(request),
        }
        return self.page(request, "suggestions", context)


def read_upload(content: bytes, name: str, format: Format) -> SynonymFile:
    """Return what an uploaded file says. Raises SourceError when it cannot be read."""
    source = Source(name=name, format=format, raw=io.BytesIO(content), hints=HINTS)
    return read_synonyms(source)


def shown(request: HttpRequest, found: SynonymFile, name: str) -> dict[str, Any]:
    """Return what the page shows of a file: nothing to store if a line is refused."""
    file = io.BytesIO()
    write_synonyms(found.new, file)
    return {
        "found": found,
        "name": name,
        "new": [Synonym(words=e.words, finds=e.finds) for e in found.new[:SHOWN_ROWS]],
        "refused": found.refused[:SHOWN_ROWS],
        "csv": "" if found.refused else file.getvalue().decode(),
        **(previews(request, found.new) if found.new and not found.refused else {}),
    }


def previews(request: HttpRequest, new: Sequence[Entry]) -> dict[str, Any]:
    """Return what a page shows of what new synonyms change."""
    return {"preview": preview(new), "searches": searches(request, new)}


def searches(
    request: HttpRequest, new: Sequence[Entry], gone: Sequence[int] = ()
) -> ShownImpact | None:
    """Return which frequent searches new synonyms would change."""
    return shown_impact(
        request,
        partial(
            impact_of_synonyms, new, gone=gone, using=DEFAULT_DB_ALIAS, seconds=SECONDS
        ),
    )
