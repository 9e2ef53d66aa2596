"""Rows of the catalogue: records that were checked by the rules of the model."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError

from products.catalog.records import Record, Refusal
from products.catalog.source import SourceError
from products.models import DIMENSIONS, Product, make_sku

# The columns of a file, and which of them no product can do without.
COLUMNS = ("sku", "name", "category", "description", "price")
VECTOR_COLUMNS = ("embedding", "embedding_fingerprint")
REQUIRED = ("name", "price")

# pgvector's binary form: the number of dimensions and a reserved zero, two bytes
# each, then big-endian floats (vector_recv in pgvector's src/vector.c).
VECTOR_HEADER = DIMENSIONS.to_bytes(2) + b"\0\0"

FIELDS = {field.name: field for field in Product._meta.fields if field.name in COLUMNS}
CENT = Decimal("0.01")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(slots=True)
class Row:
    """A product as the file has it; *vector* in pgvector's binary form."""

    record: Record
    sku: str
    name: str
    category: str
    description: str
    price: Decimal
    vector: bytes | None = None
    foreign_vector: bool = False  # the file has one, of another recipe


def check_columns(columns: Mapping[str, str], header: Collection[str]) -> None:
    """Raise SourceError when a table lacks a column that is required or mapped."""
    for target, name in columns.items():
        if name not in header and (target in REQUIRED or target != name):
            raise SourceError(
                f"The file has no column {name!r}, only: {', '.join(header) or 'none'}. "
                f"Name the one with the {target}: --map {target}=COLUMN"
            )


def make_row(
    record: Record, columns: Mapping[str, str], *, fingerprint: str
) -> Row | Refusal:
    """Return the checked product of a record, or why it is refused.

    columns: the name in the file of each of COLUMNS and VECTOR_COLUMNS. fingerprint:
    the recipe whose vectors may be taken from the file.
    """
    fields = record.fields
    try:
        values = {name: checked(name, fields.get(columns[name])) for name in COLUMNS}
        vector = file_vector(
            fields.get(columns["embedding"]),
            fields.get(columns["embedding_fingerprint"]),
            fingerprint,
        )
    except ValueError as err:
        return record.refuse(str(err))
    row = Row(record, **values, vector=vector or None, foreign_vector=vector == b"")
    row.sku = row.sku or make_sku(row.name)
    return row


def checked(name: str, value: Any) -> Any:
    """Return the value of a column after the model's own checks of the field.

    Raises ValueError with the reason, which begins with the column.
    """
    try:
        value = price(value) if name == "price" else text(value)
        return FIELDS[name].clean(value, None)
    except ValidationError as err:
        raise ValueError(f"{name}: {' '.join(err.messages)}") from err
    except ValueError as err:
        raise ValueError(f"{name}: {err}") from err


def text(value: Any) -> str:
    """Return a text as it is; whole numbers, usual as article numbers, become text.

    Raises ValueError for what is no text or cannot be stored.
    """
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"is {kind(value)}, not a text")
    if "\0" in value:
        raise ValueError("has a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as err:
            raise ValueError(
                "has half of a surrogate pair (\\ud800 to \\udfff)"
            ) from err
    return value


def price(value: Any) -> Decimal | None:
    """Return a price exactly as written, None for an empty one.

    Nothing is guessed: 1.234 may be a thousand or one. Raises ValueError for all but
    digits, a point and digits.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"is {kind(value)}, not a number")
    number = str(value).strip()
    if not PLAIN_NUMBER.fullmatch(number):
        raise ValueError(f"{number[:40]!r} {price_problem(number)}")
    amount = Decimal(number)
    # 12.500 is 12.50; what has more than two decimals is left for the model to refuse.
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2 and len(number) < 28:
        rounded = amount.quantize(CENT)
        return rounded if rounded == amount else amount
    return amount


def price_problem(number: str) -> str:
    """Return what is wrong with a price, and how to write it."""
    if "," in number:
        return "has a comma: write it with a point and nothing else, such as 1234.50"
    if number.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        return "is not a number"
    return "is not a plain number: write digits and a point only, such as 1234.50"


def kind(value: Any) -> str:
    """Return what JSON calls a value."""
    names = {dict: "an object", list: "an array", bool: "true or false"}
    return names.get(type(value), "a number")


# Vectors


def file_vector(value: Any, recipe: Any, fingerprint: str) -> bytes | None:
    """Return the vector of a record in pgvector's binary form.

    None when there is none, b"" when it is of another recipe than *fingerprint*.
    value: a list of numbers, the same as JSON text, or base64 of little-endian
    float32, as embedding services send it. Raises ValueError for a vector that cannot
    be used.
    """
    if value is None or value == "":
        return None
    if recipe and recipe != fingerprint:
        return b""
    try:
        numbers = vector_numbers(value)
    except (ValueError, TypeError, binascii.Error, RecursionError) as err:
        raise ValueError("embedding: is neither a list of numbers nor base64") from err
    if numbers.shape != (DIMENSIONS,):
        size = f"{numbers.size} numbers" if numbers.ndim == 1 else "nested lists"
        raise ValueError(f"embedding: has {size} instead of {DIMENSIONS}")
    length = float(np.dot(numbers, numbers))
    if not np.isfinite(length):
        raise ValueError("embedding: has NaN, infinite or far too large numbers")
    if length == 0:
        raise ValueError("embedding: is the zero vector")
    return VECTOR_HEADER + numbers.astype(">f4").tobytes() if recipe else b""


def vector_numbers(value: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the numbers of a vector in any of its spellings."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        data = base64.b64decode(value, validate=True)
        return np.frombuffer(data, dtype="<f4")
    numbers = json.loads(value) if isinstance(value, str) else value
    if not isinstance(numbers, list) or any(
        isinstance(number, bool | str) for number in numbers
    ):
        raise ValueError("no list of numbers")
    with np.errstate(over="ignore"):
        return np.array(numbers, dtype=np.float32)


def vector_base64(vector: bytes) -> str:
    """Return pgvector's binary form as base64 of little-endian float32."""
    numbers = np.frombuffer(vector, dtype=">f4", offset=len(VECTOR_HEADER))
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()
