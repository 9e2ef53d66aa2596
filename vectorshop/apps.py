"""The wiring's configuration: registers the checks of the database backends."""

from django.apps import AppConfig


class VectorshopConfig(AppConfig):
    name = "vectorshop"

    def ready(self) -> None:
        from vectorshop.db.entra import checks  # noqa: F401
