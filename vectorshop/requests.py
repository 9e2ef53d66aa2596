"""Requests that can be read, or are refused: each page reads addresses and forms.

Django reads the address or the body of a request when a page first asks for it. A
failure there can come up again while the page for the failure is made.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from email.message import Message
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# As codecs.lookup() names them. ASCII is a part of UTF-8.
READ = ("utf-8", "ascii")
WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ReadableMiddleware:
    """Refuses requests whose address or body cannot be read, with a 400.

    It stands before everything that reads them, and after the middleware that chooses
    the language of the page. Forms that are too large are refused by Django's limits.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if not is_read(charset):
            raise BadRequest(f"The charset {charset!r} is not read, only UTF-8.")
        request.encoding = "utf-8"  # under one of its names, which Django compares
        try:
            _form = request.POST
        except (ValueError, LookupError, OSError) as err:
            # A part of a form with a wrong header, or a visitor who has gone.
            raise BadRequest(f"The form cannot be read: {err}") from err
        return self.get_response(request)


def is_read(charset: str) -> bool:
    """Return whether *charset*, as a request names it, is one that the shop reads."""
    try:
        return codecs.lookup(charset).name in READ
    except (LookupError, ValueError):
        return False


def with_plain_types(application: WSGI) -> WSGI:
    """Return *application*, which gets no content type that Django stumbles over.

    Django takes the type apart, and reads the address by its charset, before it calls
    any middleware. In place of a type that may fail there it gets one that
    ReadableMiddleware refuses.
    """

    def answer(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if not is_plain(environ.get("CONTENT_TYPE", "")):
            environ = environ | {"CONTENT_TYPE": "text/plain; charset=unreadable"}
        return application(environ, start_response)

    return answer


def is_plain(content_type: str) -> bool:
    """Return whether Django can take a content type apart and read its charset."""
    if not content_type.isprintable():
        return False
    message = Message()
    message["Content-Type"] = content_type
    # A parameter with a charset of its own (RFC 2231), which no browser sends, is a
    # tuple.
    parameters = message.get_params() or []
    return all(
        isinstance(value, str) and (name != "charset" or is_read(value))
        for name, value in parameters
    )
