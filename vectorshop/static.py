"""Static files: with hashed names once they are collected, plain before."""

from __future__ import annotations

from django.conf import settings
from django.urls import get_script_prefix
from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedOrPlainStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Gives files the hashed names that `collectstatic` wrote into its manifest.

    Without a manifest nothing was collected, and WhiteNoise serves the apps' own
    files under their own names.
    """

    def stored_name(self, name: str) -> str:
        """Return the hashed name of a file, or *name* where nothing was collected."""
        if not self.hashed_files:
            return name
        stored: str = super().stored_name(name)
        return stored

    def url(self, name: str, force: bool = False) -> str:
        """Return the address of a file, below the path at which the shop is served.

        That path is known with a request only: a server takes it from SCRIPT_NAME.
        """
        address: str = super().url(name, force)
        if settings.STATIC_URL.startswith("/"):
            return get_script_prefix() + address.removeprefix("/")
        return address
