"""Static files: with hashed names once they are collected, plain before."""

from __future__ import annotations

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
