"""System checks of what a public server should not leave as it is on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
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


@register(Tags.security, deploy=True)
def check_metrics_address(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return W002 when the metrics answer at every address of the server."""
    if not settings.METRICS_ADDRESS or not is_every_address(
        settings.METRICS_ADDRESS[0]
    ):
        return []
    return [
        CheckWarning(
            "METRICS_ADDRESS is every address of this server: whoever reaches it reads "
            "the metrics, which ask for no log-in.",
            hint="Set METRICS_ADDRESS to an address that only Prometheus reaches, such "
            "as 127.0.0.1:9464. Where a firewall keeps others out, as in a container, "
            "leave it.",
            id="vectorshop.W002",
        )
    ]


def is_every_address(host: str) -> bool:
    """Return whether a server with this host listens at all of its addresses."""
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:  # a name
        return not host
