"""No page is large, however long the texts of the products."""

import pytest

from products.models import Judgement
from products.search import Mode
from tests.factory import make_product, near


@pytest.fixture
def longest_products(db):
    """More than a page of products with the longest texts there may be."""
    return [
        make_product(
            pk=1_000_000 + n,
            name=f"Lamp {n:02} ".ljust(300, "x"),
            category=f"Light {n:02} ".ljust(200, "x"),
            description=f"A lamp {n:02} ".ljust(20_000, "x"),
            sku=f"lamp-{n:02}-".ljust(200, "x"),
            price="99999999.99",
            embedding=near(0.01 * n),
        )
        for n in range(30)
    ]


@pytest.mark.parametrize("staff", [False, True], ids=["shopper", "staff"])
def test_no_page_is_larger_than_50_kb(
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
        ("/", {"like": [product.pk for product in longest_products[:20]]}),
        ("/similar/", {"q": "lamp"}),
        (first.get_absolute_url(), {}),
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

    assert max(sizes.values()) < 50_000, sizes


def test_the_neighbours_of_the_longest_text_are_under_50_kb(client, longest_products):
    typed = {
        name: getattr(longest_products[0], name)
        for name in ("name", "category", "description")
    }

    response = client.post("/products/add/", {"preview": "1", **typed})

    assert "It would stand next to" in response.content.decode()
    assert len(response.content) < 50_000
