"""The page that adds a product: the neighbours it would have."""

import pytest

from products.models import Product


@pytest.mark.usefixtures("broken_model")
@pytest.mark.django_db
def test_neighbours_are_no_reason_to_fail(client):
    response = client.post("/products/add/", {"preview": "1", "name": "x"})

    assert response.status_code == 200
    assert "does not answer" in response.content.decode()


@pytest.mark.django_db
def test_showing_the_neighbours_saves_nothing(client):
    client.post("/products/add/", {"preview": "1", "name": "Lamp", "price": "3"})

    assert not Product.objects.exists()
