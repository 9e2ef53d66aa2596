"""Pages are the same with the compiler and without it, but for their white space."""

import re

import pytest
from django.template import engines
from django.template.loader import render_to_string
from django.test.utils import ContextList
from django.utils import translation

from products.models import Judgement
from products.templating.environment import Environment
from tests.templating.test_translation import SHOP


@pytest.fixture
def german():
    with translation.override("de"):
        yield


def make_page(name, context, *, settled):
    """Return a page made by templates that are settled, or plain, on one line."""
    options = engines["jinja2"].env.options | {"settled": settled}
    template = Environment("de", **options).get_template(name)
    return re.sub(r"\s+", " ", template.render(context))


@pytest.mark.parametrize("address", [*SHOP, "/map.svg"])
def test_a_page_is_the_same_without_the_compiler(greek_admin, greek, german, address):
    Judgement.objects.create(query="Λάμπα", product=greek[0], grade=1)
    response = greek_admin.get(address.format(*(product.pk for product in greek)))
    name = response.templates[0].name
    # Django's client gives a single context without a list around it.
    several = isinstance(response.context, ContextList)
    given = response.context[0] if several else response.context
    context = given | {"request": response.wsgi_request, "csrf_input": ""}

    settled = make_page(name, context, settled=True)
    plain = make_page(name, context, settled=False)

    assert settled == plain
    assert "</" in plain


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("name", ["400.html", "500.html", "503.html"])
def test_a_page_of_a_failure_is_the_same_without_the_compiler(name):
    page = re.sub(r"\s+", " ", render_to_string(name))

    assert page == make_page(name, {}, settled=False)


def test_a_call_with_something_unknown_is_left_for_each_page():
    template = engines["jinja2"].from_string("{{ url(name) }} {{ url(*names) }}")

    page = template.render({"name": "products:map", "names": ["products:add"]})

    assert page == "/map/ /products/add/"


def test_spaces_between_words_stay_and_indentation_goes():
    source = "<p>\n    {{ 1 }} <b>2</b>\n  \n  </p>"

    assert engines["jinja2"].from_string(source).render() == "<p>\n1 <b>2</b>\n</p>"
