"""Every operation, asked at random: no answer is a 500, all are as documented."""

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from tests.factory import axis, make_product, near
from vectorshop.requests import with_plain_types

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("same_connection", "shop"),
]

# The shop has rules that no schema says, such as which of two prices is the lower one,
# and reads what means the same, such as false for 0.
BY_SCHEMA_ALONE = [positive_data_acceptance, negative_data_rejection]

schema = schemathesis.openapi.from_wsgi(
    "/api/v1/openapi.json", with_plain_types(WSGIHandler())
)


@pytest.fixture
def shop():
    """Products with and without a vector, one with the sku of the examples."""
    make_product(sku="wireless-bluetooth-headphones", name="Headphones", category="A")
    for number in range(1, 8):
        make_product(sku=f"{number}", embedding=near(number / 10), category="B")
    make_product(sku="bare", embedding=None)
    make_product(sku="a/b", name="Ärger & “Co”", embedding=axis(2))


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case):
    case.call_and_validate(
        headers={"Accept-Encoding": "identity"}, excluded_checks=BY_SCHEMA_ALONE
    )
