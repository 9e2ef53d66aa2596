"""Uploaded pictures, as browsers fetch them."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from products.pictures.uploads import stored_name

YEAR_SECONDS = 31_536_000


@require_safe
def uploaded(request: HttpRequest, digest: str, width: int) -> HttpResponse:
    """Return one size of an uploaded picture, which a browser may keep for good.

    It comes from the storage, wherever that is. The type is ours, since the content is:
    no file is served as it was sent.
    """
    name = stored_name(digest, width)
    # Asked first, since storages differ in what they raise.
    if not default_storage.exists(name):
        raise Http404(_("There is no such picture."))
    with default_storage.open(name) as file:
        response = HttpResponse(file.read(), content_type="image/webp")
    response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
