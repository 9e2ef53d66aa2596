"""The operation that writes many products: an import of JSON Lines."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema
from pydantic import Field

from products.admin_log import IMPORTED, log_work
from products.api.access import key_to_write
from products.api.answers import answer
from products.api.bodies import MAX_BYTES, MAX_LINES, MEDIA_TYPES, body_of
from products.api.limits import charge
from products.api.problems import Problem, documented
from products.api.questions import refuse_unknown
from products.api.schemas import Answer
from products.api.writing import forbidden
from products.catalog.importing import MOST_IGNORED, CatalogImport, ImportResult
from products.catalog.reading.records import Refusal
from products.catalog.reading.source import Source, SourceError
from products.models import Product
from products.permissions import CHANGE, PERMISSION, may_change, may_write
from products.sql.own_session import OwnSessionError
from products.turns import Turns

router = Router(tags=["products"])

MOST_REFUSALS = 1_000  # that an answer shows
LINES_PER_REQUEST = 100  # of a batch count as one request

# Each holds a connection for seconds, so that a few would keep all others waiting.
TURNS = Turns(1, waiting=2)
WAIT_SECONDS = 10


class BatchOptions(Schema):
    """How a batch is stored."""

    dry_run: bool = Field(False, description="Store nothing, only say what would be.")


class RefusedLine(Answer):
    """A line that was not stored."""

    line: int = Field(description="The number of the line, from 1.")
    reason: str = Field(description="Why; it begins with the name of the value.")


class Batch(Answer):
    """What became of the lines of a batch."""

    read: int = Field(description="How many lines were read.")
    new: int
    changed: int
    unchanged: int
    refused: int
    stopped: str = Field(
        description="Why the lines after these were not read; empty if all were."
    )
    without_vector: int = Field(
        description="How many of the products wait for `manage.py embed_products`, and "
        "are found by their words until then."
    )
    ignored: list[str] = Field(
        description=f"The first {MOST_IGNORED} names of values that no product has; "
        "nothing was stored of them."
    )
    refusals: list[RefusedLine] = Field(
        description=f"The first {MOST_REFUSALS:,} lines that were not stored."
    )


EXAMPLE = """{"sku": "desk-lamp", "name": "Desk lamp", "price": "20.50"}
{"sku": "smart-watch", "price": "179.00"}
"""
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A JSON object in each line, with sku and other values of a "
        f"product; at most {MAX_LINES:,} lines and {MAX_BYTES // 10**6} MB.",
        "content": {MEDIA_TYPES[0]: {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


@router.post(
    "/products:batch",
    auth=key_to_write,
    response=Batch,
    summary="Add and change many products",
    openapi_extra=BODY | documented(400, 403, 411, 413, 415, 503),
)
def write_products(
    request: HttpRequest, options: Query[BatchOptions]
) -> HttpResponseBase:
    """Store each line and say what became of it; a refused one keeps no other out.

    The rules are those of `manage.py import_products`: a product that is there gets the
    values that its line has, others are added. Vectors of the recipe in force are taken;
    the texts of all other lines are embedded later.
    """
    refuse_unknown(request, *BatchOptions.model_fields)
    check_may_write(request)
    refusals: list[Refusal] = []
    # The turn comes after the body, which a client may send as slowly as it likes.
    with body_of(request) as body, TURNS.taken(seconds=WAIT_SECONDS):
        result = imported(body, refusals, dry_run=options.dry_run)
    if not options.dry_run:
        log_batch(request, result)
    charge(result.read // LINES_PER_REQUEST)
    return answer(request, batch(result, refusals))


def check_may_write(request: HttpRequest) -> None:
    """Raise Problem where the owner of the key may not add, or not change, products."""
    if not may_write(request):
        raise forbidden(PERMISSION)
    if not may_change(request):
        raise forbidden(CHANGE)


def imported(body: Source, refusals: list[Refusal], *, dry_run: bool) -> ImportResult:
    """Return what the import of a body did; append the first lines that it refused."""

    def refuse(refusal: Refusal) -> None:
        if len(refusals) < MOST_REFUSALS:
            refusals.append(refusal)

    job = CatalogImport(
        body,
        dry_run=dry_run,
        embed=False,  # would take longer than a request may
        keep_index=True,
        on_refusal=refuse,
    )
    try:
        return job.run()
    except SourceError as err:
        raise Problem(400, str(err)) from err
    except OwnSessionError as err:
        raise Problem(
            503, f"This shop cannot take batches yet. Tell its operators: {err}"
        ) from err


def batch(result: ImportResult, refusals: list[Refusal]) -> Batch:
    """Return what an import did, as the API writes it."""
    return Batch(
        read=result.read,
        new=result.new,
        changed=result.changed,
        unchanged=result.unchanged,
        refused=result.refused,
        stopped=result.stopped,
        without_vector=result.without_vector,
        ignored=sorted(result.ignored),
        refusals=[RefusedLine(line=r.line, reason=r.reason) for r in refusals],
    )


def log_batch(request: HttpRequest, result: ImportResult) -> None:
    """Leave in the admin's log what a key has imported, as the admin's import does."""
    key = request.auth  # type: ignore[attr-defined]  # set by ninja
    log_work(
        key.user_id,
        Product,
        IMPORTED,
        str(key),
        by_key=True,
        new=result.new,
        changed=result.changed,
        refused=result.refused,
        failure=result.stopped,
    )
