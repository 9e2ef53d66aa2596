"""One product, written by a program: the rules are those of an import's row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.utils.translation import gettext

from products.catalog.changes import Kind
from products.catalog.checking import checked_image, checked_price, checked_text
from products.embeddings import EmbeddingError
from products.embeddings.text import TEXT_FIELDS
from products.models import EMBEDDING_FIELDS, Product

logger = logging.getLogger(__name__)

CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": partial(checked_text, "name"),
    "category": partial(checked_text, "category"),
    "description": partial(checked_text, "description"),
    "price": checked_price,
    "image": checked_image,
}
# How often a product is looked for again that others add or delete at the same moment.
TRIES = 3


class InvalidProduct(ValueError):
    """Values that no import would store. reasons: by column, all of them."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        said = (f"{name}: {why.rstrip('.')}." for name, why in reasons.items())
        super().__init__(" ".join(said))
        self.reasons = reasons


@dataclass(frozen=True)
class Written:
    """What became of a product. columns: those that changed. embedded: a text was."""

    kind: Kind
    columns: tuple[str, ...] = ()
    embedded: bool = False


# Called with the product as it is, locked, or None where there is none yet; raises what
# keeps somebody from writing it.
Check = Callable[[Product | None], None]
# Called in the transaction of the write, with what was written.
Note = Callable[[Product, Written], None]


class Moved(Exception):
    """Somebody else added or deleted the product meanwhile."""


def checked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of columns, as an import stores them. Raises InvalidProduct."""
    good, reasons = {}, {}
    for name, value in values.items():
        try:
            good[name] = CHECKS[name](value)
        except ValueError as err:
            reasons[name] = str(err).removeprefix(f"{name}: ")
    if reasons:
        raise InvalidProduct(reasons)
    return good


def check_sku(sku: str) -> None:
    """Raise InvalidProduct for a sku that an import would refuse or write otherwise."""
    try:
        tidy = checked_text("sku", sku)
    except ValueError as err:
        raise InvalidProduct({"sku": str(err).removeprefix("sku: ")}) from err
    if not tidy:
        raise InvalidProduct({"sku": gettext("is missing")})
    if tidy != sku:
        raise InvalidProduct(
            {"sku": gettext("is stored as %(sku)r; write it so") % {"sku": tidy}}
        )


def write_product(
    sku: str, values: Mapping[str, Any], *, check: Check, note: Note
) -> Written:
    """Return what was stored of a product, after embedding its text if that changed.

    values: by column, checked. A new product needs name and price. Nothing is written
    where nothing differs. If the model fails, the product is stored without a vector,
    which `embed_products` makes later.
    """
    for _ in range(TRIES - 1):
        try:
            return tried(sku, values, check, note)
        except Moved:
            continue
    return tried(sku, values, check, note)


def tried(sku: str, values: Mapping[str, Any], check: Check, note: Note) -> Written:
    """Return what was stored. Raises Moved, with nothing stored."""
    product = Product.objects.filter(sku=sku).first()
    check(product)
    if product is None:
        return added(Product(sku=sku, **values), note)
    if not differing(product, values):
        return Written(Kind.UNCHANGED)
    for name, value in values.items():
        setattr(product, name, value)
    return changed(product, values, check, note)


def differing(product: Product, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of a product that have other values."""
    return tuple(
        name for name, value in values.items() if getattr(product, name) != value
    )


def added(product: Product, note: Note) -> Written:
    """Store a new product. Raises Moved when somebody has added it meanwhile."""
    written = Written(Kind.NEW, embedded=embedded(product))
    try:
        with transaction.atomic():
            product.save(embed=False, force_insert=True)
            note(product, written)
    except IntegrityError as err:
        if not Product.objects.filter(sku=product.sku).exists():
            raise
        raise Moved from err
    return written


def changed(
    product: Product, values: Mapping[str, Any], check: Check, note: Note
) -> Written:
    """Store the values that a product has got; other columns stay as they are.

    All of the values, also those that it had before and others change meanwhile:
    together they are what somebody sent. Raises Moved when somebody has deleted it
    meanwhile.
    """
    is_embedded = not set(TEXT_FIELDS).isdisjoint(values) and embedded(product)
    fields = [*values, "updated_at", *(EMBEDDING_FIELDS if is_embedded else ())]
    with transaction.atomic():
        products = Product.objects.without_vectors().select_for_update()
        now = products.filter(pk=product.pk).first()
        if now is None:
            raise Moved
        check(now)
        columns = differing(now, values)
        if not columns:  # others have written the same
            return Written(Kind.UNCHANGED)
        written = Written(Kind.CHANGED, columns, is_embedded)
        product.save(embed=False, update_fields=fields)
        note(product, written)
    return written


def embedded(product: Product) -> bool:
    """Return whether the text of a product was embedded. Nothing is stored.

    Not in the transaction that stores it: a model elsewhere may take its time.
    """
    try:
        return product.embed_if_needed(DEFAULT_DB_ALIAS)
    except EmbeddingError:
        logger.exception(
            "A product is stored without an embedding. Run manage.py embed_products."
        )
        return False


def delete_product(sku: str, *, check: Check, note: Callable[[Product], None]) -> bool:
    """Return whether there was a product, which is gone now with its judgements."""
    with transaction.atomic():
        products = Product.objects.without_vectors().select_for_update()
        product = products.filter(sku=sku).first()
        if product is None:
            return False
        check(product)
        note(product)
        product.delete()
        return True
