"""The app's configuration."""

from django.apps import AppConfig


class ProductsConfig(AppConfig):
    name = "products"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from products import checks  # noqa: F401 - registers the checks
