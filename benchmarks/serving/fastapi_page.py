"""The product page by FastAPI and asyncpg, as a third baseline.

The page of the shop, with the same content and of about the same size, by what is said
to be fast: one statement, the shop's own, prepared, over a pool of four connections a
worker, and an autoescaped Jinja2 template. Nothing of the shop stands behind it.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, Template

from serving.fastapi_api import router

POOL = 4
# Finds the product `$1`, and the nearest to it.
STATEMENT = os.environ.get("PAGE_STATEMENT", "")
CONNECTION = json.loads(os.environ.get("PAGE_CONNECTION", "{}"))

environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
)
SIMILAR = environment.get_template("fastapi_page.html")
PRODUCT = environment.get_template("fastapi_product.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Keep the connections while the application runs."""
    async with asyncpg.create_pool(min_size=POOL, max_size=POOL, **CONNECTION) as pool:
        app.state.pool = pool
        yield {}


app = FastAPI(lifespan=lifespan)
app.include_router(router)


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    """Return an empty page: the server is there."""
    return ""


@app.get("/similar/", response_class=HTMLResponse)
async def similar(product: int) -> str:
    """Return the page of what is like a product."""
    return await page(SIMILAR, product)


@app.get("/products/{pk}/", response_class=HTMLResponse)
async def detail(pk: int) -> str:
    """Return the page of a product."""
    return await page(PRODUCT, pk)


async def page(template: Template, pk: int) -> str:
    """Return the page of a product, with the five nearest to it."""
    rows = await app.state.pool.fetch(STATEMENT, pk)  # asyncpg prepares it
    if not rows:
        raise HTTPException(404)
    product, *nearest = rows
    return template.render(product=product, nearest=nearest[:5])
