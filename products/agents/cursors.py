"""The cursor of the next page: signed, and of one search alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from django.core import signing

from products.agents.questions import MAX_LIMIT, SearchRequest
from products.agents.refusals import Refusal
from products.api.cursors import VALID
from products.models import EmbeddingRecipe

SALT = "products.agents.cursors"


@dataclass(frozen=True)
class Place:
    """A page of a search: its number from 1, its size, and what was searched how.

    recipe: of the vectors that were compared, empty for a browse.
    """

    page: int
    size: int
    search: str
    recipe: str


def place_of(request: SearchRequest) -> Place:
    """Return which page a request asks for.

    The cursor decides its size. Raises Refusal for a cursor that is not one of the shop,
    that belongs to another search, or that was given before the model was switched: the
    pages of two models have products in common, and leave others out.
    """
    recipe = EmbeddingRecipe.objects.current().fingerprint if request.query else ""
    cursor, search = request.pagination.cursor, fingerprint(request)
    if cursor is None:
        return Place(1, min(request.pagination.limit, MAX_LIMIT), search, recipe)
    place = opened(cursor)
    if place.search != search:
        raise Refusal(
            "invalid_cursor",
            "The cursor belongs to another search. Repeat the query and the filters of "
            "the first page.",
        )
    if place.recipe != recipe:
        raise Refusal(
            "cursor_expired",
            "The shop ranks by another model now. Ask for the first page again.",
            409,
        )
    return place


def cursor_to(place: Place, page: int) -> str:
    """Return the cursor of another page of the same search."""
    return signing.dumps(asdict(place) | {"page": page}, salt=SALT)


def opened(cursor: str) -> Place:
    """Return the page of a cursor. Raises Refusal for one that the shop did not give."""
    try:
        return Place(**signing.loads(cursor, salt=SALT, max_age=VALID))
    except (signing.BadSignature, TypeError) as err:  # or of another version
        raise Refusal(
            "invalid_cursor",
            "The cursor is too old, or not one of this shop. Ask for the first page without one.",
        ) from err


def fingerprint(request: SearchRequest) -> str:
    """Return what differs for another query, other filters, or another currency."""
    asked = request.model_dump(mode="json", exclude={"pagination"})
    written = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]
