"""System checks of what a public server should not leave as it is on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning as CheckWarning, register


@register(Tags.security, deploy=True)
def check_open_catalog(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W001 when everybody may add products."""
    if not settings.OPEN_CATALOG:
        return []
    return [
        CheckWarning(
            "OPEN_CATALOG is on: every visitor may add products and put the samples back.",
            hint="Set OPEN_CATALOG=false, and give those who write the permission "
            "products.add_product.",
            id="vectorshop.W001",
        )
    ]
