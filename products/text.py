"""The text of a product that is embedded, and the hash that tells when it changed."""

from __future__ import annotations

import hashlib

from django.db.models import F, TextField, Value
from django.db.models.functions import MD5, Cast, Concat

# The columns a product's text is made of, the most telling first: the model reads
# only the first 256 word pieces.
TEXT_FIELDS = ("name", "category", "description")

# A character nobody types between the columns, so that ("a", "bc") and ("ab", "c")
# have different hashes.
SEPARATOR = "\x1f"

# Part of every embedding's fingerprint: change it together with embedding_text().
TEMPLATE = "name. category. description"


def embedding_text(name: str, category: str, description: str) -> str:
    """Return the text that is embedded for a product: its filled columns, in order."""
    parts = (part.strip().rstrip(".") for part in (name, category, description))
    return ". ".join(part for part in parts if part)


def text_hash(name: str, category: str, description: str) -> str:
    """Return the hash of a product's text: 32 hexadecimal digits.

    The same value as the generated column `text_hash`. MD5 serves to notice changes,
    not to resist an attacker; PostgreSQL has it built in as an immutable function.
    """
    text = SEPARATOR.join((name, category, description))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def text_hash_expression() -> MD5:
    """Return the SQL expression of text_hash() over the columns of a row."""
    columns = [Cast(F(field), TextField()) for field in TEXT_FIELDS]
    separator = Value(SEPARATOR)
    return MD5(
        Concat(
            columns[0],
            separator,
            columns[1],
            separator,
            columns[2],
            output_field=TextField(),
        )
    )
