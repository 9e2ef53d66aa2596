"""What speaks for a product: its words of the query, and its distance to the vector.

Every statement that finds products reads it along, so none has to be read twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Value
from django.db.models.functions import Cast
from pgvector.django import VectorField

from products.models import DIMENSIONS, Product
from products.querysets import ProductQuerySet
from products.sql.expressions import Text


class Evidence(NamedTuple):
    """What a statement says of a product.

    bits: which words of the query its text has, see term_bits(); name_lexemes: see
    NameLexemes. distance: the cosine distance to the query's vector; None without a
    vector, and for a product that another recipe or none has embedded.
    """

    pk: int
    category: str
    name: str
    bits: int
    name_lexemes: str
    distance: float | None


EVIDENCE = Evidence._fields


def evidence_of(
    products: ProductQuerySet,
    terms: Sequence[Text],
    *,
    vector: Value,
    fingerprint: Text,
) -> models.QuerySet[Product, Any]:
    """Return the evidence of products, in their order, as rows for Evidence.

    terms: the words of the query, as query_terms() quotes them. vector: as text, see
    as_vector(), or a null; fingerprint: the recipe that made it.
    """
    compared = products.with_distance_to(as_vector(vector), fingerprint=fingerprint)
    return compared.with_terms(terms).values_list(*EVIDENCE)


def as_vector(text: Value) -> Cast:
    """Return the vector of a text such as "[0.1, 0.2]" with 384 numbers."""
    return Cast(text, VectorField(dimensions=DIMENSIONS))
