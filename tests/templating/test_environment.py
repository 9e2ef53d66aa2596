"""The templates of the public pages, and the environment they are compiled in."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.template import engines
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils import translation

from tests.factory import make_product

SHOP = Path(settings.BASE_DIR) / "templates" / "shop"
TEMPLATES = [str(path.relative_to(SHOP)) for path in SHOP.rglob("*.*")]


@pytest.fixture(params=["/", "/0/shop0/"])
def prefix(request):
    """The path below which the site is served."""
    before = get_script_prefix()
    set_script_prefix(request.param)
    yield request.param
    set_script_prefix(before)


def render(source, **context):
    return engines["jinja2"].from_string(source).render(context)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_compiles(name):
    assert engines["jinja2"].get_template(name)


def test_addresses_are_those_of_django(prefix):
    shown = render("""{{ url("products:map") }} {{ url("products:add") }}""")

    assert shown.split() == [reverse("products:map"), reverse("products:add")]
    assert shown.startswith(prefix)


@pytest.mark.parametrize("name", ["products:detail", "products:parts"])
@pytest.mark.parametrize("pk", [0, 7, 10, 2**63])
def test_addresses_of_products_are_those_of_django(prefix, name, pk):
    shown = render("{{ pk|product_url(name) }}", pk=pk, name=name)

    assert shown == reverse(name, args=[pk])


def test_each_language_has_its_texts_and_numbers():
    source = """{{ _("Price") }} {{ 1234.5|number(1) }} {{ language }}"""

    shown = []
    for language in ("en", "de", "en"):
        with translation.override(language):
            shown.append(render(source))

    assert shown == ["Price 1,234.5 en", "Preis 1.234,5 de", "Price 1,234.5 en"]


def test_texts_are_escaped_with_what_stands_in_them():
    shown = render("""{{ _("Why %(name)s") % {"name": name} }}""", name="<b>'")

    assert shown == "Why &lt;b&gt;&#39;"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/products/{pk}/", "/similar/", "/map/"])
def test_a_visitor_without_cookies_needs_no_session(path):
    pk = make_product().pk

    with CaptureQueriesContext(connection) as queries:
        Client().get(path.format(pk=pk))

    assert not any("django_session" in query["sql"] for query in queries)
