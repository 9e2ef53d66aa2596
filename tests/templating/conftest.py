"""Products without a Latin letter, and somebody who may see every page of them."""

import pytest

from tests.factory import axis, make_product, near


@pytest.fixture
def greek(db):
    """Three products without a Latin letter, so that all others are the pages' own."""
    common = {"category": "Κατηγορία", "description": "Περιγραφή"}
    return [
        make_product(sku="1", name="Λάμπα", **common),
        make_product(sku="2", name="Λάμπα 2", embedding=near(0.01), **common),
        make_product(sku="3", name="Γάτα", embedding=axis(5), category=""),
        make_product(sku="4", name="Χωρίς", embedding=None),
    ]


@pytest.fixture
def greek_admin(client, django_user_model):
    user = django_user_model.objects.create(
        username="ω", is_staff=True, is_superuser=True
    )
    client.force_login(user)
    return client
