"""What a product must be for a request to write it: If-Match and If-None-Match."""

from __future__ import annotations

import re

from django.http import HttpRequest

from products.api.problems import Problem

TAG = re.compile(r'"[^"]*"')


def check_conditions(request: HttpRequest, tag: str | None) -> None:
    """Raise Problem, status 412, where a request is for another state of the product.

    tag: that of the product as it is, None where there is none. Tags are compared
    without their `W/`: they are of the values and not of the bytes, and compressing an
    answer makes every tag a weak one. RFC 9110 would have a weak tag never match.
    """
    wanted, unwanted = (
        request.headers.get(name) for name in ("If-Match", "If-None-Match")
    )
    if wanted is not None and not matches(wanted, tag):
        raise Problem(
            412,
            "The product is not as If-Match says, or is gone. Read it again, apply your "
            "change to what it is now, and send its new ETag.",
        )
    if unwanted is not None and matches(unwanted, tag):
        raise Problem(412, "There is a product already, which If-None-Match rules out.")


def matches(tags: str, tag: str | None) -> bool:
    """Return whether a list of tags, or *, stands for a product with this tag."""
    if tag is None:
        return False
    return tags.strip() == "*" or set(TAG.findall(tag)) <= set(TAG.findall(tags))
