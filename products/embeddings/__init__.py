"""Text to vectors.

`text` makes the text of a product that is embedded, and its hash. `base` has the class
that each backend subclasses and what it promises. The backends: `onnx` with the bundled
model, `e5` for many languages, `azure_openai`, `openai_compatible` for any server that
answers as OpenAI's does (both ask by `openai_requests`), and `deterministic` for tests.
The database and `.env` store their dotted paths: one that moves stays known by its old
path, see MOVED.

The doors: get_backend() for the one that the setting EMBEDDING_BACKEND names, and
backend_of() for the one that a recipe in the database names. A server that starts calls
load_in_background().
"""

from __future__ import annotations

import logging
import os
import threading
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from products.embeddings.base import (
    BaseEmbeddingBackend,
    EmbeddingError,
    WrongDimension,
)

__all__ = [
    "BaseEmbeddingBackend",
    "EmbeddingError",
    "WrongDimension",
    "backend_of",
    "get_backend",
    "load_backend",
    "load_in_background",
]

logger = logging.getLogger(__name__)

# Paths that a database or an `.env` may still hold, and where the class is today.
MOVED = {
    "products.embeddings.fastembed.EmbeddingBackend": (
        "products.embeddings.onnx.EmbeddingBackend"
    )
}


def get_backend() -> BaseEmbeddingBackend:
    """Return the configured embedding backend, the same one for the whole process.

    A database that has no recipe of its own follows it; see products.recipes. The
    call is cheap: the first text loads the model. Raises ImproperlyConfigured when
    EMBEDDING_BACKEND does not name a backend.
    """
    try:
        return load_backend(settings.EMBEDDING_BACKEND)
    except ImproperlyConfigured as err:
        raise ImproperlyConfigured(f"EMBEDDING_BACKEND={err}") from err


def load_backend(path: str) -> BaseEmbeddingBackend:
    """Return the one instance of the backend class at the dotted *path*.

    Raises ImproperlyConfigured when there is no such class.
    """
    return backend_at(path_today(path))


def path_today(path: str) -> str:
    """Return the dotted path at which the class of a recorded path is today."""
    return MOVED.get(path, path)


@cache
def backend_at(path: str) -> BaseEmbeddingBackend:
    """Return the one instance of the class that is at *path* today."""
    try:
        backend = import_string(path)
    except ImportError as err:
        raise ImproperlyConfigured(
            f"{path!r} cannot be imported: {err}. Use the dotted "
            "path of a class, such as products.embeddings.onnx.EmbeddingBackend."
        ) from err
    if not (isinstance(backend, type) and issubclass(backend, BaseEmbeddingBackend)):
        raise ImproperlyConfigured(
            f"{path!r} is not a subclass of products.embeddings.BaseEmbeddingBackend."
        )
    return backend()


def backend_of(path: str, fingerprint: str) -> BaseEmbeddingBackend:
    """Return the backend at *path*, provided that it still makes *fingerprint*.

    Raises EmbeddingError when this process cannot load it, or when its code changed
    so that new vectors could not be compared with the old.
    """
    try:
        backend = load_backend(path)
    except ImproperlyConfigured as err:
        raise EmbeddingError(
            f"The database says that {path} embeds its products, and this process "
            f"cannot load it: {err}"
        ) from err
    if backend.fingerprint != fingerprint:
        raise EmbeddingError(
            f"{path} now makes {backend.fingerprint}; the products are embedded by "
            f"{fingerprint}. Run manage.py migrate_embeddings --to {path}"
        )
    return backend


def load_in_background() -> None:
    """Load the model that the settings name, in a thread of its own.

    For a server that starts: its first pages need not wait, nor the first search. A
    process that forks meanwhile, such as `manage.py serve`, forks when the model is
    loaded: a child has no such thread, and would wait for its lock for ever.
    """
    # Its modules import each other: two threads that do it at once may see half of it.
    import_module("numpy")
    thread = threading.Thread(target=load_or_log, name="load-model")
    thread.start()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=thread.join)


def load_or_log() -> None:
    """Start the backend that the settings name; log why it cannot embed."""
    try:
        get_backend().start()
    except (EmbeddingError, ImproperlyConfigured) as err:
        logger.exception("Searches go by words only, until this is put right: %s", err)


def forget_backends(*, setting: str, **kwargs: Any) -> None:
    """Make the next call load the backends anew, for tests that change the setting."""
    if setting.startswith(("EMBEDDING_", "AZURE_OPENAI_")):
        backend_at.cache_clear()


setting_changed.connect(forget_backends)
