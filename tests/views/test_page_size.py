"""No page is large, however long the texts of the products."""

import pytest

from products.models import Judgement
from products.search import Mode
from products.views.narrowing import MOST
from tests.factory import make_product, near


@pytest.fixture(params=[False, True], ids=["drawn", "pictures"])
def longest_products(request, db, settings):
    """More than a page of products with the longest texts there may be."""
    pictures = request.param
    settings.IMAGE_HOSTS = ["cdn.example"]
    return [
        make_product(
            pk=1_000_000 + n,
            name=f"Lamp {n:02} ".ljust(300, "x"),
            category=f"Light {n:02} ".ljust(200, "x"),
            description=f"A lamp {n:02} ".ljust(20_000, "x"),
            sku=f"lamp-{n:02}-".ljust(200, "x"),
            price="99999999.99",
            image=f"https://cdn.example/{n:02}".ljust(300, "x") if pictures else "",
            embedding=near(0.01 * n),
        )
        for n in range(30)
    ]


@pytest.mark.parametrize("staff", [False, True], ids=["shopper", "staff"])
def test_no_page_is_larger_than_60_kb(
    client, django_user_model, longest_products, staff
):
    if staff:
        client.force_login(
            django_user_model.objects.create(username="staff", is_staff=True)
        )
    first, second, *_ = longest_products
    Judgement.objects.create(query="lamp", product=first, grade=1)
    pages = [
        ("/", {}),
        ("/", {"category": first.category, "max_price": "99999999.99"}),
        *(("/", {"q": "lamp", "mode": mode}) for mode in Mode),
        ("/", {"q": "lamp", "category": [first.category, second.category]}),
        ("/", {"category": [f"{number} category" for number in range(50)]}),
        ("/", {"q": "lamp", "all_categories": "1"}),
        ("/", {"like": [product.pk for product in longest_products[:20]]}),
        ("/similar/", {"q": "lamp"}),
        (first.get_absolute_url(), {}),
        ("/compare/", {"product": [each.pk for each in longest_products[:4]]}),
        ("/compare/", {"product": [first.pk], "add": "lamp"}),
        (f"{first.get_absolute_url()}why/", {"q": "lamp"}),
        ("/exact/", {"q": "lamp"}),
        *(("/lab/why/", {"q": "lamp", "mode": mode}) for mode in Mode),
        ("/lab/why/", {"q": "lamp", "why_not": first.sku}),
        ("/lab/why/", {"like": [product.pk for product in longest_products[:20]]}),
        ("/products/add/", {}),
        ("/map/", {}),
        *([("/quality/", {})] if staff else []),
    ]

    sizes = {}
    for path, query in pages:
        response = client.get(path, query)
        assert response.status_code == 200
        sizes[path, str(query)[:60]] = len(response.content)

    assert max(sizes.values()) < 60_000, sizes
    # The staff has buttons to judge, and addresses of pictures may be long.
    if not staff and not first.image:
        assert sizes["/", "{'q': 'lamp', 'mode': Mode.HYBRID}"] < 40_000


def test_the_neighbours_of_the_longest_text_are_under_60_kb(client, longest_products):
    typed = {
        name: getattr(longest_products[0], name)
        for name in ("name", "category", "description")
    }

    response = client.post("/products/add/", {"preview": "1", **typed})

    assert "It would stand next to" in response.content.decode()
    assert len(response.content) < 60_000


def test_the_page_that_refuses_a_long_question_is_under_60_kb(client, longest_products):
    asked = {"category": [f"c{number}" for number in range(900)]}

    response = client.get("/", asked)

    assert response.status_code == 400
    assert "At most 50 categories can be chosen." in response.content.decode()
    assert '<a href="?page=2"' in response.content.decode()
    assert len(response.content) < 60_000


@pytest.mark.django_db
def test_all_categories_of_a_large_shop_are_under_60_kb(client):
    for number in range(MOST + 1):
        make_product(
            sku=f"lamp-{number}",
            name=f"Lamp {number} ".ljust(70, "x"),
            category=f"Home and garden > Lights, no. {number}",
            description="A lamp for " * 20,
        )

    response = client.get("/?q=lamp&all_categories=1")

    assert f"The largest {MOST} of {MOST + 1}." in response.content.decode()
    assert len(response.content) < 60_000
