"""The body of a batch: lines of JSON, received whole before any of it is stored."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from django.http import HttpRequest, UnreadablePostError

from products.api.problems import Problem
from products.catalog.reading.source import GZIP_MAGIC, Format, Source, SourceError

MEDIA_TYPES = ("application/jsonl", "application/x-ndjson")
# What one request can store before a proxy gives up on it.
MAX_BYTES = 20_000_000
MAX_LINES = 10_000
READ_BYTES = 1 << 16
LENGTH = re.compile(r"[0-9]{1,15}")


@contextmanager
def body_of(request: HttpRequest) -> Iterator[Source]:
    """Give the body as a file that was read to its end, within bounds.

    A body that is too large, or ends too early, is refused before any of it is stored.
    Raises Problem.
    """
    if request.content_type not in MEDIA_TYPES:
        wanted = " or ".join(MEDIA_TYPES)
        raise Problem(415, f"Send JSON Lines, with the Content-Type {wanted}.")
    length = length_of(request)
    if length > MAX_BYTES:
        raise too_large()
    with tempfile.TemporaryFile(buffering=0) as file:
        size = received(request, cast(BinaryIO, file))
        if size < length:
            raise cut_off(size, length)
        if not size:
            raise Problem(400, "The body is empty. Send a JSON object in each line.")
        with source_of(file.fileno()) as body:
            check_lines(body)
        with source_of(file.fileno()) as body:
            yield body


def length_of(request: HttpRequest) -> int:
    """Return how many bytes a request says that it sends. Raises Problem."""
    length = request.headers.get("Content-Length", "")
    if not LENGTH.fullmatch(length):  # WSGI has no body in chunks
        raise Problem(411, "Say in Content-Length how many bytes you send.")
    return int(length)


def received(request: HttpRequest, file: BinaryIO) -> int:
    """Return how many bytes of a body came, which are in a file now. Raises Problem."""
    size = 0
    try:
        while data := request.read(READ_BYTES):
            if not size and data.startswith(GZIP_MAGIC):
                raise Problem(415, "Send the lines as they are, not packed by gzip.")
            size += len(data)
            file.write(data)
    except UnreadablePostError as err:
        raise cut_off(size, length_of(request)) from err
    return size


def cut_off(size: int, length: int) -> Problem:
    """Return the problem of a body that ended too early."""
    return Problem(
        400,
        f"The body ended after {size:,} of {length:,} bytes. Nothing of it was stored. "
        "Send it again.",
    )


@contextmanager
def source_of(file: int) -> Iterator[Source]:
    """Give what reads a file, known by its descriptor, from its beginning."""
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), "rb", buffering=0) as raw:
        yield Source(name="The body", format=Format.JSONL, raw=cast(BinaryIO, raw))


def check_lines(body: Source) -> None:
    """Raise Problem for more lines than a batch may have, as an import reads them."""
    try:
        for line in body.lines():
            if line.number > MAX_LINES:
                raise too_large()
    except SourceError as err:
        raise Problem(400, str(err)) from err


def too_large() -> Problem:
    """Return the problem of a batch that is larger than one may be."""
    return Problem(
        413,
        f"A batch has at most {MAX_LINES:,} lines and {MAX_BYTES:,} bytes. Nothing of "
        "this one was stored. Send it in smaller parts.",
    )
