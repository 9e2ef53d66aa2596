"""The app's configuration."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class ProductsConfig(AppConfig):
    name = "products"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        from products import checks  # noqa: F401 - registers the checks

        if settings.TRACE_EXPORTER:
            # Before the middleware is loaded, to which it adds its own.
            begin_tracing()


def begin_tracing() -> None:
    """Make spans, if the extra is installed. Raises ImproperlyConfigured."""
    try:
        from products.watching import tracing
    except ModuleNotFoundError as err:
        raise ImproperlyConfigured(
            f"TRACE_EXPORTER is set, and {err.name} is not installed. Install the "
            "packages of the extra otel, see docs/operations.md."
        ) from err
    tracing.begin()
