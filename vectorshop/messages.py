"""Where the messages to a visitor wait for the next page."""

from __future__ import annotations

from django.contrib.messages.storage.base import BaseStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest
from django.utils.functional import cached_property


class LazyStorage(FallbackStorage):
    """Django's storage, in a cookie or the session, made when there is a message.

    Else each request makes both, which takes as long as three other middlewares.
    """

    def __init__(self, request: HttpRequest) -> None:
        BaseStorage.__init__(self, request)
        self._used_storages: set[BaseStorage] = set()

    @cached_property
    def storages(self) -> list[BaseStorage]:
        return [made(self.request) for made in self.storage_classes]
