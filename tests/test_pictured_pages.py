"""docs/pages.py names every page, so that each is pictured and measured."""

import importlib.util
import re
import sys
from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve

from products.models import Product
from products.urls import urlpatterns

# What only takes a form, is a part of a page, or answers programs.
NO_PAGES = {
    "add_prepared",
    "complete",
    "judge",
    "lab_start_over",
    "load_samples",
    "map_card",
    "map_found",
    "map_names",
    "map_picture",
    "map_points",
    "mcp",
    "picture",
    "remove_samples",
    "robots",
    "sitemap",
    "sitemaps",
    "ucp_lookup",
    "ucp_product",
    "ucp_profile",
    "ucp_search",
}


@pytest.fixture(scope="module")
def pages():
    path = settings.BASE_DIR / "docs" / "pages.py"
    spec = importlib.util.spec_from_file_location("pages", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks for its module
    spec.loader.exec_module(module)
    yield module.PAGES
    del sys.modules[spec.name]


def test_every_page_of_the_shop_is_pictured(pages):
    # Any number stands for the id of a product.
    paths = [re.sub("{.*?}", "1", urlsplit(page.address).path) for page in pages]
    shown = {resolve(path).url_name for path in paths if path != "/nowhere/"}

    assert {pattern.name for pattern in urlpatterns} - NO_PAGES <= shown


def test_no_two_pages_share_a_picture(pages):
    assert Counter(page.name for page in pages).most_common(1)[0][1] == 1


@pytest.mark.usefixtures("samples")
def test_every_address_answers(admin_client, pages):
    ids = dict(Product.objects.values_list("sku", "pk"))
    visitor = Client()
    statuses = {
        page.name: (admin_client if page.staff else visitor)
        .get(page.address.format_map(ids))
        .status_code
        for page in pages
    }

    assert statuses.pop("not-found") == 404
    assert set(statuses.values()) == {200}, statuses
