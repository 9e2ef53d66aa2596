"""What is like a product as JSON, by FastAPI and asyncpg, beside the shop's API.

The same content from the same statement, with models that say what the answer is, as
FastAPI's own documentation writes such an endpoint, and a signed cursor.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel

# Finds the product with the sku `$1`, and the nearest to it.
STATEMENT = os.environ.get("API_STATEMENT", "")
SECRET = b"a secret of the benchmark"

router = APIRouter()


class Product(BaseModel):
    sku: str
    name: str
    category: str
    price: str
    currency: str | None
    url: str
    image: str | None
    description: str


class Hit(BaseModel):
    rank: int
    score: float
    similarity: float | None
    distance: float | None
    semantic_rank: int | None
    keyword_rank: int | None
    words: list[str]
    exact: bool
    product: Product


class Total(BaseModel):
    value: int
    relation: str


class Results(BaseModel):
    total: Total
    hits: list[Hit]
    far: list[Hit]
    mode: str
    notice: str
    corrected: str
    suggested: str
    next_cursor: str | None
    plan: str | None


@router.get("/api/v1/products/{sku}/similar", response_model=Results)
async def similar(
    request: Request, sku: str, limit: int = Query(5, ge=1, le=200)
) -> Results:
    """Return the products most like one."""
    rows = await request.app.state.pool.fetch(STATEMENT, sku)  # asyncpg prepares it
    if not rows:
        raise HTTPException(404)
    _product, *nearest = rows
    root = str(request.base_url).rstrip("/")
    return Results(
        total=Total(value=len(nearest), relation="at_least"),
        hits=[
            Hit(
                rank=rank,
                score=1 - row["distance"],
                similarity=1 - row["distance"],
                distance=row["distance"],
                semantic_rank=rank,
                keyword_rank=None,
                words=[],
                exact=False,
                product=Product(
                    sku=row["sku"],
                    name=row["name"],
                    category=row["category"],
                    price=str(row["price"]),
                    currency=None,
                    url=f"{root}/products/{row['id']}/",
                    image=row["image"] or None,
                    description=row["description"],
                ),
            )
            for rank, row in enumerate(nearest[:limit], start=1)
        ],
        far=[],
        mode="similar",
        notice="",
        corrected="",
        suggested="",
        next_cursor=cursor(sku, limit) if len(nearest) > limit else None,
        plan=None,
    )


def cursor(sku: str, limit: int) -> str:
    """Return what leads to the second page of a question, signed."""
    question = hashlib.blake2b(f"{sku}{limit}".encode(), digest_size=12).hexdigest()
    page = {"page": 2, "question": question, "recipe": 30 * "x"}
    text = base64.urlsafe_b64encode(json.dumps(page).encode())
    signature = hmac.digest(SECRET, text, "sha256")
    return (text + b":" + base64.urlsafe_b64encode(signature)).decode()
