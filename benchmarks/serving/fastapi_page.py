"""The product page by FastAPI and asyncpg, as a third baseline.

The page of the shop, with the same content and of about the same size, by what is said
to be fast: one statement, the shop's own, prepared, over a pool of four connections a
worker, and an autoescaped Jinja2 template. Nothing of the shop stands behind it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

import asyncpg
import sqlparse
from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

POOL = 4
# Finds the product `$1`, and the nearest to it.
STATEMENT = os.environ.get("PAGE_STATEMENT", "")
CONNECTION = json.loads(os.environ.get("PAGE_CONNECTION", "{}"))

environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
)
# The page shows the statement, which is formatted and escaped once, as the shop does.
readable = escape(sqlparse.format(STATEMENT, reindent=True), quote=False)
environment.globals["statement"] = Markup(readable)
template = environment.get_template("fastapi_page.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Keep the connections while the application runs."""
    async with asyncpg.create_pool(min_size=POOL, max_size=POOL, **CONNECTION) as pool:
        app.state.pool = pool
        yield {}


app = FastAPI(lifespan=lifespan)


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    """Return an empty page: the server is there."""
    return ""


@app.get("/similar/", response_class=HTMLResponse)
async def similar(product: int) -> str:
    """Return the page of a product."""
    return await page(product)


@app.get("/products/{pk}/", response_class=HTMLResponse)
async def detail(pk: int) -> str:
    """Return the page of a product."""
    return await page(pk)


async def page(pk: int) -> str:
    """Return the page of a product, with the five nearest to it."""
    started = time.perf_counter()
    rows = await app.state.pool.fetch(STATEMENT, pk)  # asyncpg prepares it
    if not rows:
        raise HTTPException(404)
    milliseconds = (time.perf_counter() - started) * 1000
    product, *nearest = rows
    return template.render(
        product=product,
        nearest=nearest[:5],
        rows=len(nearest),
        milliseconds=milliseconds,
    )
