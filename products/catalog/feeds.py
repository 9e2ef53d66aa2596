"""The catalogue as a feed: a file for Google Merchant Center, or for agents by ACP.

google: a table with tabs, see https://support.google.com/merchants/answer/7052112.
acp: one product a line, as `schema.feed.json` of the Agentic Commerce Protocol's version
2026-04-17 has it, see https://github.com/agentic-commerce-protocol.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TextIO
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, TextChoices
from django.db.models.functions import Length

from products.catalog.exporting import CHUNK_ROWS
from products.currency import shop_currency
from products.offers import (
    Absolute,
    Offer,
    availability_data,
    categories_data,
    known,
    media_data,
    offer_of,
    price_data,
)
from products.querysets import ProductQuerySet

# Characters that Google takes.
LONGEST_ID = 50
LONGEST_TITLE = 150


class Feed(TextChoices):
    """Who reads the file."""

    GOOGLE = "google"
    ACP = "acp"


class FeedError(ValueError):
    """A feed that cannot be written; the message says what to set."""


def address_at(site: str) -> Absolute:
    """Return what makes an address whole that begins with "/", at a site's address.

    Raises FeedError for what is no address.
    """
    try:
        parts = urlsplit(site)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment:
        raise FeedError(
            f"{site!r} is not the address of a site. Pass --site with the address of "
            "the shop, such as https://shop.example."
        )
    root = site.rstrip("/")
    return lambda address: root + address if address.startswith("/") else address


def export_feed(
    products: ProductQuerySet,
    file: BinaryIO,
    feed: Feed,
    absolute: Absolute,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> int:
    """Return how many products were written to an open file.

    All are of one moment; the memory used does not grow with their number. Raises
    FeedError where the currency of the prices is not known.
    """
    if not shop_currency():
        raise FeedError(
            f"CURRENCY={settings.CURRENCY!r} is the sign of several currencies, or of "
            "none. Set CURRENCY to a code of ISO 4217, such as USD."
        )
    write = {Feed.GOOGLE: write_google, Feed.ACP: write_acp}[feed]
    count = 0
    # newline="": the csv module writes its own line ends.
    stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        for count in write(stream, offers(products, absolute)):
            if count % CHUNK_ROWS == 0:
                on_progress(count)
    finally:
        stream.detach()  # flushes; the file stays open
    on_progress(count)
    return count


def offers(products: ProductQuerySet, absolute: Absolute) -> Iterator[Offer]:
    """Yield what other programs are told of each product, through a server's cursor."""
    with transaction.atomic(using=products.db):
        rows = products.for_display().order_by("pk").iterator(chunk_size=CHUNK_ROWS)
        for product in rows:
            yield offer_of(product, absolute)


# Google


def write_google(stream: TextIO, offers: Iterator[Offer]) -> Iterator[int]:
    """Write a table, and yield the number of each row. Unknown columns are left out."""
    names = [name for name in GOOGLE if name not in unknown_columns()]
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(names)
    for number, offer in enumerate(offers, start=1):
        # A cell has no tab and no line end.
        writer.writerow(" ".join(GOOGLE[name](offer).split()) for name in names)
        yield number


GOOGLE: dict[str, Callable[[Offer], str]] = {
    "id": lambda offer: offer.sku,
    "title": lambda offer: offer.name[:LONGEST_TITLE],
    "description": lambda offer: offer.description,
    "link": lambda offer: offer.url,
    "image_link": lambda offer: offer.image,
    "price": lambda offer: f"{offer.price} {offer.currency}",
    "product_type": lambda offer: offer.category,
    "availability": lambda offer: offer.availability,
    "condition": lambda offer: offer.condition,
    "brand": lambda offer: offer.brand,
}


def unknown_columns() -> set[str]:
    """Return the columns that no setting says."""
    said = {
        "availability": settings.OFFER_AVAILABILITY,
        "condition": settings.OFFER_CONDITION,
        "brand": settings.OFFER_BRAND,
    }
    return {name for name, value in said.items() if not value}


def google_gaps(products: ProductQuerySet) -> list[str]:
    """Return what Google wants and the file does not have. One statement."""
    gaps = []
    if "availability" in unknown_columns():
        gaps.append(
            "Google wants the availability of every product. Set OFFER_AVAILABILITY if "
            "it is the same for all, or add it by a supplemental feed."
        )
    lacking = products.annotate(length=Length("sku")).aggregate(
        picture=Count("pk", filter=Q(image="")),
        description=Count("pk", filter=Q(description="")),
        short=Count("pk", filter=Q(length__gt=LONGEST_ID)),
    )
    for name in ("picture", "description"):
        if count := lacking[name]:
            gaps.append(f"Google wants a {name} of every product; {count:,} have none.")
    if count := lacking["short"]:
        gaps.append(
            f"Google takes ids of at most {LONGEST_ID} characters; the skus of "
            f"{count:,} products are longer."
        )
    return gaps


# ACP


def write_acp(stream: TextIO, offers: Iterator[Offer]) -> Iterator[int]:
    """Write one product a line, and yield the number of each."""
    for number, offer in enumerate(offers, start=1):
        stream.write(json.dumps(acp_product(offer), ensure_ascii=False) + "\n")
        yield number


def acp_product(offer: Offer) -> dict[str, Any]:
    """Return a product with its one variant as ACP has it."""
    text = known({"plain": offer.description})
    shared = {
        "id": offer.sku,
        "title": offer.name,
        "description": text,
        "url": offer.url,
        "media": media_data(offer),
    }
    variant = shared | {
        "price": price_data(offer),
        "availability": availability_data(offer),
        "categories": categories_data(offer),
        "condition": [offer.condition] if offer.condition else [],
        "seller": known({"name": offer.seller}),
    }
    return known(shared) | {"variants": [known(variant)]}
