"""Reading ahead: the next chunk of a file is made while the database works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TypeVar

from django.utils import translation

T = TypeVar("T")


class _End:
    """What the thread sends last: the error that ended it, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def read_ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """Yield *items*, which a thread makes one item ahead.

    An error in making an item is raised here, in place of the item. The thread ends
    with the last item or when this generator is closed.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(maxsize=1)
    closed = threading.Event()
    language = translation.get_language()  # each thread has one of its own

    def work() -> None:
        error: BaseException | None = None
        try:
            with translation.override(language):
                for item in items:
                    waiting.put(item)
                    if closed.is_set():
                        return
        except BaseException as err:  # noqa: BLE001 - raised again by the reader below
            error = err
        waiting.put(_End(error))

    thread = threading.Thread(target=work, name="read ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        with suppress(queue.Empty):
            waiting.get_nowait()  # room for what the thread still wants to put
        # Wait briefly: the thread may wait for a pipe that nobody writes to.
        thread.join(timeout=1)
