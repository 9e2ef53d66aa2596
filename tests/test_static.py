"""Static files: plain at first, with hashed names once they are collected."""

from django.core.management import call_command
from django.template import engines

from vectorshop.static import CollectedOrPlainStorage


def test_collected_files_have_hashed_names_that_pages_use(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    template = engines["jinja2"].from_string("{{ static('products/shop.css') }}")
    plain = template.render()

    call_command("collectstatic", interactive=False, verbosity=0)

    storage = CollectedOrPlainStorage()

    assert plain == "/static/products/shop.css"
    assert storage.url("products/shop.css").startswith("/static/products/shop.")
    assert storage.url("products/shop.css") != plain
    assert (tmp_path / "staticfiles.json").exists()
