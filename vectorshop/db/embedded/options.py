"""What settings.DATABASES may say about an embedded database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def data_dir_of(settings_dict: dict[str, Any]) -> Path:
    """Return the data folder that *settings_dict* names, as an absolute path.

    Raises ImproperlyConfigured when it names none, or when it names an address, which
    the server chooses itself.
    """
    refused = [
        key for key in ("HOST", "PORT", "USER", "PASSWORD") if settings_dict[key]
    ]
    if refused:
        raise ImproperlyConfigured(
            f"The embedded database knows no {', '.join(refused)}: remove it from "
            "DATABASES, or use django.db.backends.postgresql for a server of your own."
        )
    data_dir = settings_dict["OPTIONS"].get("data_dir")
    if not data_dir or not Path(data_dir).is_absolute():
        raise ImproperlyConfigured(
            f"The embedded database needs DATABASES[...]['OPTIONS']['data_dir'], the "
            f"absolute path of its folder; it is {data_dir!r}."
        )
    return Path(data_dir)
