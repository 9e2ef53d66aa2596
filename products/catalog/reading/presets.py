"""What other shops export: their names of columns, and how their rows make products."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.translation import gettext as _

from products.catalog.checking import COLUMNS
from products.catalog.reading.notices import Notice, Notices
from products.catalog.reading.record import Record, Refusal
from products.models import make_sku
from products.pictures.reference import MAX_LENGTH, host_of

# The parents of variants wait for these up to the end of the file.
MAX_PARENT_CHARACTERS = 20_000_000


class PresetName(StrEnum):
    """Which shop's export a file is; AUTO lets the header tell."""

    AUTO = "auto"
    NONE = "none"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    PRESTASHOP = "prestashop"
    GOOGLE = "google"


@dataclass(frozen=True)
class Preset:
    """An export of another shop.

    signatures: sets of columns, each of which shows that a header is of this shop.
    columns: for each column of the catalogue, and for what else *rows* reads, the names
    it may have; the first that has a value counts. rows: makes products of records.
    """

    label: str
    signatures: tuple[frozenset[str], ...]
    columns: Mapping[str, tuple[str, ...]]
    rows: type[PresetRows]

    def fits(self, header: Collection[str]) -> bool:
        return any(signature <= set(plain(header)) for signature in self.signatures)


# Between two addresses in one cell; an address may have a comma, too.
SEVERAL = re.compile(r"\s*,\s*(?=https?://)")


def plain(header: Iterable[str]) -> list[str]:
    """Return the names of columns as presets write them: image_link is image link."""
    return [name.replace("_", " ") for name in header]


def recognised(header: Collection[str]) -> Preset | None:
    """Return the preset that a header shows, if any."""
    return next((preset for preset in PRESETS.values() if preset.fits(header)), None)


def chosen(name: PresetName, header: Collection[str], *, mapped: bool) -> Preset | None:
    """Return the preset to read a table by.

    mapped: whether somebody said which columns are which; then none is guessed.
    """
    if name is PresetName.AUTO:
        return None if mapped else recognised(header)
    return PRESETS.get(name)


@dataclass
class PresetRows:
    """Makes products, with the columns of the catalogue, of the records of a table.

    columns: the names in the header of each column, lower letters. A column that the
    header lacks is left out of the products.
    """

    header: Collection[str]
    columns: Mapping[str, tuple[str, ...]]
    notices: Notices
    names: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        written = dict(zip(plain(self.header), self.header, strict=True))
        written |= {name: name for name in self.header}
        self.names = {
            target: [written[name] for name in names if name in written]
            for target, names in self.columns.items()
        }

    def products(
        self, records: Iterable[Record | Refusal]
    ) -> Iterator[Record | Refusal]:
        """Yield a product for each record that is one."""
        for record in records:
            if isinstance(record, Refusal):
                yield record
            elif product := self.product(record):
                yield product
        yield from self.left_over()

    def product(self, record: Record) -> Record | Refusal | None:
        """Return the product of a record, None for one that is no product."""
        return self.made(record, self.fields(record))

    def left_over(self) -> Iterator[Refusal]:
        """Yield what has not become a product at the end of the file."""
        yield from ()

    def first_names(self) -> dict[str, str]:
        """Return what the file calls each column, or what it would be called."""
        return {
            column: (self.names[column] or self.columns[column])[0]
            for column in COLUMNS
        }

    # Parts for products

    def value(self, record: Record, column: str) -> str:
        """Return the first value that a record has for a column."""
        values = (record.fields[name].strip() for name in self.names.get(column, ()))
        return next(filter(None, values), "")

    def fields(self, record: Record) -> dict[str, str]:
        """Return the columns of the catalogue that the header has."""
        return {
            column: self.value(record, column)
            for column in COLUMNS
            if self.names.get(column)
        }

    def made(self, record: Record, fields: dict[str, str]) -> Record:
        if "image" in fields:
            fields["image"] = self.first_picture(record, fields["image"])
        return Record(record.line, dict(fields), record.raw)

    def first_picture(self, record: Record, cell: str) -> str:
        """Return the first address in a cell; "" where it is none that can be used."""
        first = SEVERAL.split(cell.strip())[0]
        if first and not (host_of(first) and len(first) <= MAX_LENGTH):
            self.notices.add(Notice.NO_PICTURE, record.line)
            return ""
        return first

    def skip(self, record: Record) -> None:
        self.notices.add(Notice.NO_PRODUCT, record.line)


def last_step(path: str) -> str:
    """Return the last step of a path of categories: Home > Lamps is Lamps."""
    return path.rpartition(">")[2].strip()


class ShopifyRows(PresetRows):
    """One product for each variant; title and description stand in the first row only."""

    OPTIONS = tuple(f"option{number}" for number in (1, 2, 3))
    handle = ""
    shared: dict[str, str]  # what the variants of a product have in common

    def product(self, record: Record) -> Record | Refusal | None:
        fields = self.fields(record)
        handle, title = self.value(record, "handle"), fields.get("name", "")
        values = [
            value
            for option in self.OPTIONS
            if (value := self.value(record, option)) and value != "Default Title"
        ]
        if not (title or values or fields.get("sku") or fields.get("price")):
            self.skip(record)  # a further picture
            return None
        if "category" in fields:
            fields["category"] = last_step(fields["category"])
        if title or handle != self.handle or not handle:
            if "name" in fields and not title:
                reason = _(
                    "name: has no title, and no row of the same product above it"
                )
                return record.refuse(reason)
            self.handle = handle
            self.shared = {
                column: fields[column]
                for column in ("name", "category", "description", "image")
                if column in fields
            }
        for column, shared in self.shared.items():
            fields[column] = fields[column] or shared
        if values and "name" in fields:
            fields["name"] = f"{fields['name']} - {' / '.join(values)}"
        # Shopify writes an apostrophe before a number, for spreadsheets.
        sku = fields.get("sku", "").removeprefix("'")
        fields["sku"] = sku or make_sku(" ".join([handle, *values]))
        return self.made(record, fields)


def without_guard(cell: str) -> str:
    """Return a cell without the ' that keeps a spreadsheet from reading a formula."""
    return cell[1:] if cell[:2] in ("'=", "'+", "'-", "'@") else cell


@dataclass
class Parent:
    """A variable product of WooCommerce, which waits for its variations."""

    record: Record
    fields: dict[str, str]
    used: bool = False


# How WooCommerce writes a line end, and a backslash before an n.
LINE_END = re.compile(r"\\\\n|\\n")


class WooCommerceRows(PresetRows):
    """One product for each variation; the parent has no price, but the texts.

    A file without names needs no parents: it changes products that are known.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parents: dict[str, Parent] = {}
        self.characters = 0
        self.values = [
            name
            for name in self.header
            if re.fullmatch(r"attribute \d+ value\(s\)", name)
        ]

    def product(self, record: Record) -> Record | Refusal | None:
        fields = self.fields(record)
        if "category" in fields:
            first = re.split(r"(?<!\\),", fields["category"])[0].replace("\\,", ",")
            fields["category"] = last_step(first)
        if "description" in fields:  # which WooCommerce writes in one line
            fields["description"] = LINE_END.sub(
                lambda found: "\\n" if len(found[0]) > 2 else "\n",
                fields["description"],
            )
        kinds = {kind.strip().lower() for kind in self.value(record, "type").split(",")}
        if "variation" in kinds:
            return self.variation(record, fields)
        if "variable" in kinds:
            return self.parent(record, fields)
        if "grouped" in kinds:
            self.skip(record)
            return None
        return self.made(record, fields)

    def value(self, record: Record, column: str) -> str:
        return without_guard(super().value(record, column))

    @property
    def has_names(self) -> bool:
        return bool(self.names["name"])

    def parent(self, record: Record, fields: dict[str, str]) -> Refusal | None:
        self.characters += sum(map(len, fields.values()))
        if self.characters > MAX_PARENT_CHARACTERS:
            return record.refuse(_("is one variable product too many; split the file"))
        self.skip(record)
        parent = Parent(Record(record.line, {}, record.raw[:1000]), fields)
        for key in (f"id:{self.value(record, 'id')}", fields.get("sku", "")):
            if key:
                self.parents[key.casefold()] = parent
        return None

    def variation(self, record: Record, fields: dict[str, str]) -> Record | Refusal:
        key = self.value(record, "parent")
        parent = self.parents.get(key.casefold())
        if parent is None and not self.has_names:
            inherited = ("category", "description", "image")
            said = {k: v for k, v in fields.items() if v or k not in inherited}
            return self.made(record, said)
        if parent is None:
            reason = _("is a variation of %(parent)r, which is not in a row above it")
            return record.refuse(reason % {"parent": key})
        parent.used = True
        own = fields.get("name", "")
        for column in ("name", "category", "description", "image"):
            if column in fields:
                fields[column] = fields[column] or parent.fields[column]
        if "name" in fields and own in ("", parent.fields["name"]):
            cells = (record.fields[name].strip() for name in self.values)
            values = [without_guard(cell) for cell in cells if cell]
            fields["name"] = " - ".join(
                filter(None, [fields["name"], ", ".join(values)])
            )
        return self.made(record, fields)

    def left_over(self) -> Iterator[Refusal]:
        """Yield the parents without variations: nothing else stands for them."""
        if not self.has_names:
            return
        parents = {id(parent): parent for parent in self.parents.values()}
        for parent in parents.values():
            if not parent.used:
                reason = _("is a variable product whose variations are not in the file")
                yield parent.record.refuse(reason)


class PrestaShopRows(PresetRows):
    """Several categories stand in one cell; the first that is a category counts."""

    def product(self, record: Record) -> Record | Refusal | None:
        fields = self.fields(record)
        if "category" in fields:
            steps = [step.strip() for step in fields["category"].split(",")]
            own = [
                step for step in steps if step.casefold() not in ("home", "root", "")
            ]
            fields["category"] = own[0] if own else ""
        return self.made(record, fields)


class GoogleRows(PresetRows):
    """Prices have a currency, which is the same in all of a file."""

    PRICE = re.compile(r"([0-9.]+)\s*([A-Za-z]{3})")
    currency = ""
    first_line = 0

    def product(self, record: Record) -> Record | Refusal | None:
        fields = self.fields(record)
        if "category" in fields:
            fields["category"] = last_step(fields["category"])
            if fields["category"].isdecimal():  # a number in Google's own list
                del fields["category"]
        if price := self.PRICE.fullmatch(fields.get("price", "")):
            fields["price"] = price[1]
            currency = price[2].upper()
            if not self.currency:
                self.currency, self.first_line = currency, record.line
            if currency != self.currency:
                reason = _(
                    "price: is in %(currency)s, but on line %(line)d in %(first)s"
                )
                names = {"currency": currency, "first": self.currency}
                return record.refuse(reason % (names | {"line": self.first_line}))
        return self.made(record, fields)


def signatures(*texts: str) -> tuple[frozenset[str], ...]:
    """Return sets of columns; each text has its columns between semicolons."""
    return tuple(frozenset(text.split(";")) for text in texts)


PRESETS = {
    PresetName.SHOPIFY: Preset(
        "Shopify",
        signatures("handle;variant price", "handle;variant sku", "url handle;price"),
        {
            "sku": ("variant sku", "sku"),
            "name": ("title",),
            "category": (
                "type",
                "custom product type",
                "product category",
                "standard product type",
            ),
            "description": ("body (html)", "body html", "description"),
            "price": ("variant price", "price"),
            "image": ("variant image", "image src"),
            "handle": ("handle", "url handle"),
            **{name: (f"{name} value",) for name in ShopifyRows.OPTIONS},
        },
        ShopifyRows,
    ),
    PresetName.WOOCOMMERCE: Preset(
        "WooCommerce",
        signatures("type;sku;regular price"),
        {
            "sku": ("sku",),
            "name": ("name",),
            "category": ("categories",),
            "description": ("description", "short description"),
            "price": ("regular price",),
            "image": ("images",),
            "id": ("id",),
            "type": ("type",),
            "parent": ("parent",),
        },
        WooCommerceRows,
    ),
    PresetName.PRESTASHOP: Preset(
        "PrestaShop",
        signatures(
            "reference #;name *",
            "reference #;price tax excluded",
            "reference #;price tax included",
            "product id;reference;price (tax excl.)",
        ),
        {
            "sku": ("reference #", "reference"),
            "name": ("name *", "name"),
            "category": ("categories (x,y,z...)", "category"),
            "description": ("description", "summary", "short description"),
            "price": (
                "price tax included",
                "price (tax incl.)",
                "price tax excluded",
                "price (tax excl.)",
            ),
            "image": ("image urls (x,y,z...)", "image"),
        },
        PrestaShopRows,
    ),
    PresetName.GOOGLE: Preset(
        "Google Merchant",
        signatures(
            "id;title;price;link",
            "id;title;price;image link",
            "id;price;availability",
        ),
        {
            "sku": ("id",),
            "name": ("title",),
            "category": ("product type", "google product category"),
            "description": ("description",),
            "price": ("price",),
            "image": ("image link",),
        },
        GoogleRows,
    ),
}
