"""No cache keeps an answer that was made for one person."""

import pytest
from django.contrib.admin.sites import site
from django.urls import URLPattern, get_resolver, reverse

from products.models import Product
from tests.factory import make_product

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
