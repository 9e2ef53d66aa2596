"""The wiring's configuration: registers the checks of the settings and the database."""

from django.apps import AppConfig


class VectorshopConfig(AppConfig):
    name = "vectorshop"

    def ready(self) -> None:
        from vectorshop import checks  # noqa: F401
        from vectorshop.db import standbys  # noqa: F401
        from vectorshop.db.entra import checks as entra_checks  # noqa: F401
