"""Static files: plain at first, with hashed names once they are collected."""

import re

import pytest
from django.core.management import call_command
from django.template import engines
from django.urls import get_script_prefix, set_script_prefix

from tests.serving import ask
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


# Below a path, as with SCRIPT_NAME=/shop

ADDRESS = re.compile(r'\b(?:href|src|action|hx-get)="(/[^"]*)"')


@pytest.fixture
def at_root_again():
    before = get_script_prefix()
    yield
    set_script_prefix(before)


@pytest.fixture
def new_storage(settings, tmp_path):
    """Nothing collected, and no page made with the names of earlier files."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES}  # Django then makes them anew
    engines["jinja2"].env.made.cache_clear()
    yield
    engines["jinja2"].env.made.cache_clear()


@pytest.mark.parametrize("collected", [False, True], ids=["plain", "collected"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/products/add/", 200),
        ("/login/", 200),
        ("/admin/login/", 200),
        ("/nothing/", 404),
        ("/similar/\0", 404),
    ],
)
@pytest.mark.usefixtures("db", "same_connection", "at_root_again")
def test_pages_below_a_path_refer_to_files_and_pages_below_it(
    settings, new_storage, collected, path, status
):
    if collected:
        call_command("collectstatic", interactive=False, verbosity=0)

    got, page = ask("GET", path, below="/shop")

    addresses = ADDRESS.findall(page)
    files = [address for address in addresses if "/static/" in address]
    assert got == status
    assert len(files) >= 2
    assert ("shop.css" in page or "base.css" in page) != collected
    assert [text for text in addresses if not text.startswith("/shop/")] == []
    for address in files:
        assert ask("GET", address.removeprefix("/shop"), below="/shop")[0] == 200


@pytest.mark.parametrize("content_type", ["text/plain; charset=zip"])
@pytest.mark.usefixtures("db", "same_connection", "at_root_again")
def test_error_pages_below_a_path_refer_below_it(content_type):
    _, page = ask("GET", "/", content_type, below="/shop")

    assert set(ADDRESS.findall(page)) == {
        "/shop/",
        "/shop/static/products/shop.css",
        "/shop/static/products/icon.svg",
    }


def test_one_process_serves_several_paths(at_root_again):
    storage = CollectedOrPlainStorage()

    addresses = []
    for prefix in ("/", "/a/", "/b/c/", "/"):
        set_script_prefix(prefix)
        addresses.append(storage.url("products/shop.css"))

    name = "static/products/shop.css"
    assert addresses == [f"/{name}", f"/a/{name}", f"/b/c/{name}", f"/{name}"]


def test_files_of_another_host_keep_their_address(settings, at_root_again):
    settings.STATIC_URL = "https://cdn.example/static/"
    set_script_prefix("/shop/")

    address = CollectedOrPlainStorage().url("products/shop.css")

    assert address == "https://cdn.example/static/products/shop.css"
