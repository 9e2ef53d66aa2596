"""The cache that several web servers share: Redis or Valkey, which may be away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

T = TypeVar("T")
logger = logging.getLogger(__name__)


class SharedCache(RedisCache):
    """Django's Redis cache, in which nothing is found while its server is away.

    The shop keeps nothing in a cache that it cannot make again, so pages get slower then
    and do not fail. Each failure is logged.
    """

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self.tried(
            lambda: super(SharedCache, self).get(key, default, version), default
        )

    def get_many(
        self, keys: Iterable[str], version: int | None = None
    ) -> dict[str, Any]:
        return self.tried(lambda: super(SharedCache, self).get_many(keys, version), {})

    def add(self, key: str, value: Any, *args: Any, **options: Any) -> bool:
        return self.tried(
            lambda: super(SharedCache, self).add(key, value, *args, **options), False
        )

    def set(self, key: str, value: Any, *args: Any, **options: Any) -> None:
        self.tried(
            lambda: super(SharedCache, self).set(key, value, *args, **options), None
        )

    def set_many(self, data: dict[str, Any], *args: Any, **options: Any) -> list[str]:
        return self.tried(
            lambda: super(SharedCache, self).set_many(data, *args, **options), [*data]
        )

    def delete(self, key: str, version: int | None = None) -> bool:
        return self.tried(lambda: super(SharedCache, self).delete(key, version), False)

    def tried(self, work: Callable[[], T], otherwise: T) -> T:
        """Return what *work* gives, or *otherwise* if the server does not answer."""
        try:
            return work()
        except RedisError as err:
            logger.warning("The shared cache does not answer: %s", err)
            return otherwise
