"""No cache keeps an answer that was made for one person."""

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import AnonymousUser
from django.core.cache import caches
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver, reverse
from django.utils.translation import override

from products.models import Product
from products.views.catalogue import product_list
from tests.factory import make_product
from vectorshop.caching import kept_a_moment

pytestmark = pytest.mark.django_db

LAMP = 1_000_000  # beyond the ids that others get
PUBLIC = [  # nothing on them is for one visitor: no form, and nobody is signed in
    "/?q=lamp",
    "/map/",
    "/map.svg",
    "/similar/",
    "/exact/?q=lamp",
    "/products/1000000/",
    "/products/1000000/why/?q=lamp",
    "/nothing/",
    "/api/v1/search?q=lamp",
    "/api/v1/products/lamp",
    "/api/nothing",
]


def own_addresses():
    """Every address of the shop and of the admin's catalogue, with one product."""
    patterns = get_resolver().url_patterns
    shop = next(
        part for part in patterns if getattr(part, "app_name", "") == "products"
    )
    for pattern in shop.url_patterns:
        args = {"pk": LAMP, "digest": 32 * "0", "width": 160, "section": "products"}
        args = [args[name] for name in pattern.pattern.converters]
        yield reverse(f"products:{pattern.name}", args=args)
    yield from (reverse(part.name) for part in patterns if isinstance(part, URLPattern))
    for pattern in site.get_model_admin(Product).urls:
        if isinstance(pattern, URLPattern) and pattern.name:
            args = [LAMP] if pattern.pattern.converters else []
            yield reverse(f"admin:{pattern.name}", args=args)
    yield from (reverse("admin:index"), reverse("admin:login"))


@pytest.fixture(autouse=True)
def lamp():
    return make_product(pk=LAMP, name="Lamp")


def is_private(response):
    directives = response.headers.get("Cache-Control", "").split(", ")
    return {"private", "no-store"} <= set(directives)


def test_no_page_of_somebody_signed_in_is_kept(admin_client):
    addresses = list(own_addresses())

    kept = [
        (method, address)
        for address in addresses
        for method in ("get", "post")
        if address != "/logout/" or method == "get"
        if not is_private(getattr(admin_client, method)(address))
    ]

    assert len(addresses) > 20
    assert "/quality/" in addresses
    assert "/login/" in addresses
    assert kept == []


@pytest.mark.parametrize(
    "address", ["/products/add/", "/login/", "/lab/samples/", "/admin/login/"]
)
def test_no_page_with_a_form_is_kept(client, address):
    response = client.get(address)

    assert "csrfmiddlewaretoken" in response.content.decode()
    assert is_private(response)
    assert is_private(client.get(address))  # when the cookie is there already


def test_no_message_is_kept(client):
    response = client.post("/products/add/prepared/", {"sku": "espresso-machine"})
    page = client.get(response.url)

    assert is_private(response)
    assert "Successfully added" in page.content.decode()
    assert is_private(page)


def test_no_answer_to_a_form_is_kept(client):
    response = client.post("/products/add/", {"name": "Secret", "price": "x"})

    assert "Secret" in response.content.decode()
    assert is_private(response)


def test_no_answer_to_a_key_is_kept(client):
    key = {"Authorization": "Bearer key"}

    response = client.get("/api/v1/products/lamp", headers=key)

    assert is_private(response)


@pytest.mark.parametrize("error", [403, 404])
def test_no_failure_of_somebody_signed_in_is_kept(client, settings, log_in, error):
    settings.OPEN_CATALOG = False
    address = {403: "/products/add/", 404: "/nothing/"}[error]

    response = log_in().get(address)

    assert response.status_code == error
    assert is_private(response)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_the_same_for_everybody_may_be_kept(client, settings, address):
    settings.OPEN_CATALOG = False

    response = client.get(address)

    assert not response.cookies
    assert "no-store" not in response.headers.get("Cache-Control", "")


@pytest.fixture
def a_minute(settings):
    """The list of the shop, whose pages are kept for a minute."""
    settings.PAGE_SECONDS = 60
    caches["pages"].clear()
    yield kept_a_moment(product_list)
    caches["pages"].clear()


def names_shown(view, path, **headers):
    """The names of the products that a page shows to a visitor without a session."""
    request = RequestFactory().get(path, headers=headers)
    request.user = AnonymousUser()
    page = view(request).content.decode()
    page = page.replace("<mark>", "").replace("</mark>", "")
    return [name for name in ("Lamp", "Chair") if f">{name}</a>" in page]


def test_the_list_is_kept_a_moment_for_who_has_no_cookie(
    a_minute, django_assert_num_queries
):
    assert names_shown(a_minute, "/") == ["Lamp"]
    make_product(name="Chair")

    with django_assert_num_queries(0):
        assert names_shown(a_minute, "/") == ["Lamp"]
    assert names_shown(a_minute, "/", cookie="csrftoken=x") == ["Lamp", "Chair"]
    assert names_shown(a_minute, "/?sort=price") == ["Lamp", "Chair"]


def test_a_search_is_never_kept(a_minute):
    assert names_shown(a_minute, "/?q=lamp") == ["Lamp"]
    make_product(name="Chair", description="With a lamp.")

    assert names_shown(a_minute, "/?q=lamp") == ["Lamp", "Chair"]


def test_a_page_with_a_form_is_kept_for_nobody(a_minute, settings):
    settings.OPEN_CATALOG = True
    Product.objects.all().delete()  # the empty shop has the form that loads samples

    assert names_shown(a_minute, "/") == []
    make_product(name="Chair")

    assert names_shown(a_minute, "/") == ["Chair"]


def test_each_language_has_its_own_kept_page(a_minute):
    with override("en"):
        names_shown(a_minute, "/")
    with override("de"):
        request = RequestFactory().get("/")
        request.user = AnonymousUser()
        assert "Was wird gesucht?" in a_minute(request).content.decode()


def test_nothing_is_kept_where_the_setting_says_so(settings):
    settings.PAGE_SECONDS = 0

    assert kept_a_moment(product_list) is product_list
