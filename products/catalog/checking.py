"""Rows of the catalogue: records that were checked by the rules of the model."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import (
    DecimalValidator,
    MaxLengthValidator,
    MinValueValidator,
)
from django.db.models import DecimalField
from django.utils.translation import gettext, ngettext

from products.catalog.reading.records import Record, Refusal
from products.catalog.reading.source import Hints, SourceError
from products.currency import written_signs
from products.models import DIMENSIONS, Product, make_sku
from products.plain_text import HtmlTooComplex, plain_text, tidy

if TYPE_CHECKING:
    import numpy as np

# The columns of a file, and which of them no new product can do without.
COLUMNS = ("sku", "name", "category", "description", "price", "image")
VECTOR_COLUMNS = ("embedding", "embedding_fingerprint")
REQUIRED = ("name", "price")

# pgvector's binary form: the number of dimensions and a reserved zero, two bytes
# each, then big-endian floats (vector_recv in pgvector's src/vector.c).
VECTOR_HEADER = DIMENSIONS.to_bytes(2) + b"\0\0"

FIELDS = {field.name: field for field in Product._meta.fields if field.name in COLUMNS}
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


def length_limit(name: str) -> int:
    """Return the length up to which the model accepts every text of a column.

    0 when the model has other rules than lengths.
    """
    validators = FIELDS[name].validators
    limits = [v.limit_value for v in validators if isinstance(v, MaxLengthValidator)]
    return min(map(int, limits)) if len(limits) == len(validators) > 0 else 0


# Asking the model about each value took half of the time of reading a file.
LIMITS = {
    name: length_limit(name) for name in ("sku", "name", "category", "description")
}


def simple_price() -> re.Pattern[str]:
    """Return the pattern of prices that need no check: few digits, no sign."""
    field = cast("DecimalField[Any, Any]", FIELDS["price"])
    others = [v for v in field.validators if not isinstance(v, DecimalValidator)]
    if others != [MinValueValidator(0)] or not (
        field.max_digits and field.decimal_places
    ):
        return re.compile(r"(?!)")  # matches nothing: the model is asked each time
    whole = field.max_digits - field.decimal_places
    return re.compile(rf"[0-9]{{1,{whole}}}(\.[0-9]{{1,{field.decimal_places}}})?")


SIMPLE_PRICE = simple_price()


@dataclass(slots=True)
class Row:
    """A product as the file has it; *vector* in pgvector's binary form.

    unsaid: the columns about which the file says nothing, such as category in a file
    of `sku,price`. What the catalogue has there stays; see changes.compare().
    """

    record: Record
    sku: str
    name: str
    category: str
    description: str
    price: Decimal
    image: str
    vector: bytes | None = None
    foreign_vector: bool = False  # the file has one, of another recipe
    unsaid: tuple[str, ...] = ()


def check_columns(
    columns: Mapping[str, str],
    hints: Hints,
    header: Collection[str],
    *,
    mapped: Collection[str] = (),
) -> None:
    """Raise SourceError when a table lacks a column that is needed or mapped.

    columns: what the file calls each column. Needed are name and price, or else sku and
    anything to change about a product. mapped: the columns that somebody has named.
    """
    said = {target for target, name in columns.items() if name in header}
    needed = () if "sku" in said and len(said) > 1 else REQUIRED
    for target, name in columns.items():
        if target not in said and (target in needed or target in mapped):
            raise SourceError(
                gettext("The file has no column %(name)r, only: %(header)s. %(hint)s")
                % {
                    "name": name,
                    "header": ", ".join(header) or gettext("none"),
                    "hint": str(hints.column) % {"column": target},
                },
                choice=f"column_{target}",
            )


def check_record(
    record: Record, columns: Mapping[str, str], *, mapped: Collection[str] = ()
) -> Record | Refusal:
    """Return a record of JSON, or its refusal: it has a header of its own.

    columns: what the file calls each column. mapped: those that somebody has named.
    """
    for target in mapped:
        if columns[target] not in record.fields:
            reason = gettext("%(column)s: the record has no key %(name)r")
            return record.refuse(reason % {"column": target, "name": columns[target]})
    said = {target for target, name in columns.items() if name in record.fields}
    if said <= {"sku"}:
        return record.refuse(gettext("says nothing about a product but its sku"))
    return record


def make_row(
    record: Record, columns: Mapping[str, str], *, fingerprint: str
) -> Row | Refusal:
    """Return the checked product of a record, or why it is refused.

    columns: what the file calls each of COLUMNS and VECTOR_COLUMNS. fingerprint:
    the recipe whose vectors may be taken from the file.
    """
    fields = {
        target: record.fields[name]
        for target, name in columns.items()
        if name in record.fields
    }
    try:
        texts = {
            name: checked_text(name, fields[name])
            for name in ("name", "category", "description")
            if name in fields
        }
        sku = checked_text("sku", fields.get("sku")) or make_sku(texts.get("name", ""))
        if not sku:
            problem = gettext("is missing, and there is no name to make one of")
            raise ValueError(f"sku: {problem}")
        vector = file_vector(
            fields.get("embedding"), fields.get("embedding_fingerprint"), fingerprint
        )
        return Row(
            record,
            sku,
            texts.get("name", ""),
            texts.get("category", ""),
            texts.get("description", ""),
            checked_price(fields["price"]) if "price" in fields else Decimal(0),
            checked_image(fields.get("image")),
            vector or None,
            foreign_vector=vector == b"",
            unsaid=tuple(name for name in COLUMNS[1:] if name not in fields),
        )
    except ValueError as err:
        return record.refuse(str(err))


def checked_text(name: str, value: Any, *, may_be_html: bool = True) -> str:
    """Return the text of a column after the model's own checks of the field.

    It is trimmed as a form trims it, and plain: shops export their texts as HTML.
    Raises ValueError with the reason, which begins with the column.
    """
    try:
        value = tidy(text(value))
        if name != "sku" and may_be_html:
            value = tidy(plain_text(value))
        if 0 < len(value) <= LIMITS[name]:
            return str(value)
        return str(FIELDS[name].clean(value, None))
    except ValidationError as err:
        raise ValueError(f"{name}: {' '.join(err.messages)}") from err
    except HtmlTooComplex as err:
        problem = gettext("the HTML is too long or nested too deeply; write plain text")
        raise ValueError(f"{name}: {problem}") from err
    except ValueError as err:
        raise ValueError(f"{name}: {err}") from err


def text(value: Any) -> str:
    """Return a text unchanged, and a whole number, a usual article number, as text.

    Raises ValueError for what is not a text or cannot be stored.
    """
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(
            gettext("is %(kind)s, not a text") % {"kind": json_kind(value)}
        )
    if "\0" in value:
        raise ValueError(gettext("has a NUL character"))
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as err:
            raise ValueError(
                gettext("has half of a surrogate pair (\\ud800 to \\udfff)")
            ) from err
    return value


def checked_price(value: Any) -> Decimal:
    """Return a price exactly as written, after the model's own checks.

    Nothing is guessed, since 1.234 may be a thousand or one. The shop's own currency,
    its code or its sign, may stand before or after. Raises ValueError for everything
    else but digits, a point and digits.
    """
    if isinstance(value, bool | list | dict):
        raise ValueError(
            "price: "
            + gettext("is %(kind)s, not a number") % {"kind": json_kind(value)}
        )
    number = "" if value is None else str(value).strip()
    for sign in written_signs(settings.CURRENCY):
        if sign in number:
            number = number.removeprefix(sign).removesuffix(sign).strip()
            break
    if SIMPLE_PRICE.fullmatch(number):
        return Decimal(number)
    if not number:
        raise ValueError("price: " + gettext("is missing"))
    if not PLAIN_NUMBER.fullmatch(number):
        raise ValueError(f"price: {number[:40]!r} {price_problem(number)}")
    whole, _, decimals = number.partition(".")
    # 12.500 is 12.50. The model refuses a third decimal that is not zero.
    number = f"{whole}.{decimals[:2]}" if decimals[2:].strip("0") == "" else number
    try:
        return cast(Decimal, FIELDS["price"].clean(number.rstrip("."), None))
    except ValidationError as err:
        raise ValueError(f"price: {' '.join(err.messages)}") from err


def checked_image(value: Any) -> str:
    """Return the reference to a picture after the model's own checks.

    Raises ValueError with the reason, which begins with the column.
    """
    if value is None or value == "":
        return ""
    try:
        return str(FIELDS["image"].clean(tidy(text(value)), None))
    except ValidationError as err:
        raise ValueError(f"image: {' '.join(err.messages)}") from err
    except ValueError as err:
        raise ValueError(f"image: {err}") from err


def price_problem(number: str) -> str:
    """Return what is wrong with a price, and how to write it."""
    if "," in number:
        return gettext(
            "has a comma: write it with a point and nothing else, such as 1234.50"
        )
    if number.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        return gettext("is not a number")
    return gettext(
        "is not a plain number: write digits and a point only, such as 1234.50"
    )


def json_kind(value: Any) -> str:
    """Return what JSON calls a value."""
    names = {
        dict: gettext("an object"),
        list: gettext("an array"),
        bool: gettext("true or false"),
    }
    return names.get(type(value), gettext("a number"))


# Vectors


def file_vector(value: Any, recipe: Any, fingerprint: str) -> bytes | None:
    """Return the vector of a record in pgvector's binary form.

    None when the record has none, b"" when its recipe is not *fingerprint*.
    value: a list of numbers, the same as JSON text, or base64 of little-endian
    float32, as embedding services send it. Raises ValueError for a vector that cannot
    be used.
    """
    import numpy as np

    if value is None or value == "":
        return None
    if recipe and recipe != fingerprint:
        return b""
    try:
        numbers = vector_numbers(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as err:
        raise ValueError(
            "embedding: " + gettext("is neither a list of numbers nor base64")
        ) from err
    if numbers.shape != (DIMENSIONS,):
        raise ValueError("embedding: " + wrong_shape(numbers))
    length = float(np.dot(numbers, numbers))
    if not math.isfinite(length):
        raise ValueError(
            "embedding: " + gettext("has NaN, infinite or far too large numbers")
        )
    if length == 0:
        raise ValueError("embedding: " + gettext("is the zero vector"))
    return VECTOR_HEADER + numbers.astype(">f4").tobytes() if recipe else b""


def wrong_shape(numbers: np.ndarray[Any, np.dtype[np.float32]]) -> str:
    """Return what is wrong with the shape of a vector."""
    if numbers.ndim != 1:
        text = gettext("has nested lists instead of %(dimensions)d")
        return text % {"dimensions": DIMENSIONS}
    text = ngettext(
        "has %(count)d number instead of %(dimensions)d",
        "has %(count)d numbers instead of %(dimensions)d",
        numbers.size,
    )
    return text % {"count": numbers.size, "dimensions": DIMENSIONS}


def vector_numbers(value: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the numbers of a vector in any of its spellings."""
    import numpy as np

    if isinstance(value, str) and not value.lstrip().startswith("["):
        data = binascii.a2b_base64(value, strict_mode=True)
        return np.frombuffer(data, dtype="<f4")
    numbers = json.loads(value) if isinstance(value, str) else value
    if not isinstance(numbers, list) or any(
        isinstance(number, bool | str) for number in numbers
    ):
        raise ValueError("not a list of numbers")
    with np.errstate(over="ignore"):
        return np.array(numbers, dtype=np.float32)


def vector_base64(vector: bytes) -> str:
    """Return pgvector's binary form as base64 of little-endian float32."""
    import numpy as np

    numbers = np.frombuffer(vector, dtype=">f4", offset=len(VECTOR_HEADER))
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()
