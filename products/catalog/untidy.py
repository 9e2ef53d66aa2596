"""Stored texts that an import or a form would write differently today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from products.catalog.checking import checked_text
from products.models import Product
from products.plain_text import is_html
from products.sql.sharding import is_sharded

TEXTS = ("sku", "name", "category", "description")
CHUNK_ROWS = 2_000


@dataclass
class Untidy:
    """A product whose texts are not as an import stores them.

    stored, tidy: the columns that differ, before and after. html: those of them that look
    like HTML, which may be meant: a text about HTML. problem: why it cannot be
    mended without a decision, "" when it can.
    """

    pk: int
    sku: str
    stored: dict[str, str]
    tidy: dict[str, str]
    problem: str = ""
    html: list[str] = field(default_factory=list)


def find_untidy(using: str) -> Iterator[Untidy]:
    """Yield the products with white space around a text, separate accents, or HTML.

    Reads all products and changes none.
    """
    products = Product.objects.using(using).order_by("pk")
    for pk, *texts in products.values_list("pk", *TEXTS).iterator(CHUNK_ROWS):
        if found := compare(pk, dict(zip(TEXTS, texts, strict=True))):
            if "sku" in found.tidy:
                note_conflict(found, using)
                note_shards(found, using)
            yield found


def compare(pk: int, stored: dict[str, str]) -> Untidy | None:
    """Return what an import would store differently, None when nothing."""
    found = Untidy(pk, stored["sku"], {}, {})
    for name, text in stored.items():
        try:
            # An entity alone, such as &amp;, may stand in a text about HTML.
            tidy = checked_text(name, text, may_be_html=is_html(text))
        except ValueError as err:  # such as a name of blanks
            found.problem = str(err)
            continue
        if tidy != text:
            found.stored[name], found.tidy[name] = text, tidy
            if name != "sku" and is_html(text):
                found.html.append(name)
    if not stored["sku"].strip() or found.tidy.get("sku") == "":
        found.problem = "sku: is blank; write one in the admin"
    return found if found.tidy or found.problem else None


def note_conflict(found: Untidy, using: str) -> None:
    """Note when another product has the sku that this one should have."""
    sku = found.tidy["sku"]
    if Product.objects.using(using).filter(sku=sku).exists():
        found.problem = (
            f"sku: {sku!r} is another product; delete one of the two in the admin"
        )


def note_shards(found: Untidy, using: str) -> None:
    """Note that the sku cannot be changed, where the products are on shards."""
    if not found.problem and is_sharded(using):
        found.problem = (
            f"sku: on a cluster it cannot be changed; import the product as "
            f"{found.tidy['sku']!r} and delete this one in the admin"
        )


def mend(found: Untidy, using: str) -> bool:
    """Return whether the tidy texts were stored; not when the product has changed.

    A product with a problem is left as it is. Sets *problem* when the database refuses.
    """
    if found.problem:
        return False
    products = Product.objects.using(using).filter(pk=found.pk, **found.stored)
    try:
        with transaction.atomic(using=using):
            return products.update(**found.tidy, updated_at=Now()) > 0
    except IntegrityError as err:
        found.problem = str(err).split("\n")[0]
        return False
