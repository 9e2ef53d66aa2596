"""Writes a question as Python, as a command and for the JSON API, to be run elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from decimal import Decimal
from inspect import signature
from typing import Any
from urllib.parse import urlencode

from products.models import Product
from products.search import PAGE_SIZE, Filters, search

PYTHON = ".venv/bin/python"
POWERSHELL_PYTHON = r".venv\Scripts\python"

# What PowerShell takes as it stands.
PLAIN = re.compile(r"[\w./\\=:-]+", re.ASCII)

# The arguments of search() that are often left as they are.
DEFAULTS = {
    name: signature(search).parameters[name].default
    for name in ("mode", "diversity", "sort", "page", "literal")
}


def as_python(asked: dict[str, Any]) -> str:
    """Return a question as Python for `manage.py shell`, with its imports.

    asked: the arguments of search(). Prints the products as the page lists them.
    """
    filters: Filters = asked["filters"]
    arguments = [repr(asked["text"])] if asked["text"] else []
    if filters:
        arguments.append(f"filters={python_filters(filters)}")
    for name in ("like", "unlike"):
        if asked[name]:
            skus = ", ".join(python_product(product) for product in asked[name])
            arguments.append(f"{name}=[{skus}]")
    arguments += [f"{name}={value!r}" for name, value in changed(asked)]
    imports = ["from decimal import Decimal", ""] if has_price(filters) else []
    if asked["like"] or asked["unlike"]:
        imports.append("from products.models import Product")
    searching = "Filters, search" if filters else "search"
    inside = "".join(f"\n    {argument}," for argument in arguments)
    return "\n".join(
        [
            *imports,
            f"from products.search import {searching}",
            "",
            f"results = search({inside}\n)" if inside else "results = search()",
            "for hit in results:",
            "    print(hit.product.sku, hit.product.name, hit.similarity)",
        ]
    )


def python_filters(filters: Filters) -> str:
    """Return filters as Python."""
    parts = []
    if filters.categories:
        parts.append(f"categories={filters.categories!r}")
    for name in ("min_price", "max_price"):
        if (price := getattr(filters, name)) is not None:
            parts.append(f"{name}=Decimal({str(price)!r})")
    return f"Filters({', '.join(parts)})"


def python_product(product: Product) -> str:
    """Return Python that reads a product."""
    return f"Product.objects.get(sku={product.sku!r})"


def as_arguments(asked: dict[str, Any]) -> list[str]:
    """Return a question as the arguments of manage.py.

    `similar` for products to be like alone, otherwise `search`.
    """
    text, like, unlike = asked["text"], asked["like"], asked["unlike"]
    filters: Filters = asked["filters"]
    options = [f"--limit={PAGE_SIZE}"]
    options += [f"--category={category}" for category in filters.categories]
    for name in ("min_price", "max_price"):
        if (price := getattr(filters, name)) is not None:
            options.append(f"--{name.replace('_', '-')}={price}")
    for name, value in changed(asked):
        options.append("--literal" if name == "literal" else f"--{name}={value}")
    only_for_texts = {"mode", "sort", "literal"} & {name for name, _ in changed(asked)}
    if like and not (text or unlike or only_for_texts):
        return with_options("similar", [product.sku for product in like], options)
    for name, products in (("like", like), ("unlike", unlike)):
        options += [f"--{name}={product.sku}" for product in products]
    return with_options("search", [text] if text else [], options)


def with_options(command: str, texts: list[str], options: list[str]) -> list[str]:
    """Return a command; texts that look like options stand behind "--"."""
    if any(text.startswith("-") for text in texts):
        return [command, *options, "--", *texts]
    return [command, *texts, *options]


def changed(asked: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the arguments of search() that are not as usual, as plain values."""
    for name, usual in DEFAULTS.items():
        if asked[name] != usual:
            value = asked[name]
            yield name, str(value) if isinstance(value, str) else value


def has_price(filters: Filters) -> bool:
    """Return whether filters have a price."""
    return any(isinstance(p, Decimal) for p in (filters.min_price, filters.max_price))


def for_shell(arguments: Sequence[str]) -> str:
    """Return a command of manage.py for a POSIX shell."""
    return shlex.join([PYTHON, "manage.py", *arguments])


def for_powershell(arguments: Sequence[str]) -> str:
    """Return a command of manage.py for PowerShell 7.3 and newer.

    A quote within quotes is doubled there.
    """
    quoted = [
        argument
        if PLAIN.fullmatch(argument)
        else "'" + argument.replace("'", "''") + "'"
        for argument in arguments
    ]
    return " ".join([POWERSHELL_PYTHON, "manage.py", *quoted])


def as_curl(asked: dict[str, Any], search: str) -> str:
    """Return the command that asks the JSON API of a shop for the first page.

    search: the address of the API's search. Examples and variety go into a body.
    """
    question = as_parameters(asked)
    if {"like", "unlike", "diversity"}.isdisjoint(question):
        query = f"?{urlencode(question, doseq=True)}" if question else ""
        return shlex.join(["curl", "--silent", f"{search}{query}"])
    body = json.dumps(question, ensure_ascii=False)
    header = "Content-Type: application/json"
    return shlex.join(["curl", "--silent", search, "-H", header, "--data-binary", body])


def as_parameters(asked: dict[str, Any]) -> dict[str, Any]:
    """Return a question by the names that the JSON API has, without what is as usual."""
    filters: Filters = asked["filters"]
    question: dict[str, Any] = {
        "q": asked["text"],
        "category": filters.categories,
        "min_price": filters.min_price and str(filters.min_price),
        "max_price": filters.max_price and str(filters.max_price),
        "like": [product.sku for product in asked["like"]],
        "unlike": [product.sku for product in asked["unlike"]],
    }
    question = {name: value for name, value in question.items() if value}
    for name, value in changed(asked):
        question[name] = "true" if value is True else value
    question.pop("page", None)
    return question
