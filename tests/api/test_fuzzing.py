"""Every operation, asked at random: no answer is a 500, all are as documented."""

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, settings as hypothesis_settings
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from products.api_keys import ApiKey, Scope
from tests.factory import axis, make_product, near
from vectorshop.requests import with_plain_types

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("same_connection", "shop"),
]

# The shop has rules that no schema says, such as which of two prices is the lower one,
# and reads what means the same, such as false for 0.
BY_SCHEMA_ALONE = [positive_data_acceptance, negative_data_rejection]

schemathesis.serializer.alias("application/jsonl", "text/plain")
schema = schemathesis.openapi.from_wsgi(
    "/api/v1/openapi.json", with_plain_types(WSGIHandler())
)


@pytest.fixture
def shop(settings):
    """Products with and without a vector, one with the sku of the examples."""
    settings.API_RATE_ADDRESS = settings.API_RATE_KEY = 0
    make_product(sku="wireless-bluetooth-headphones", name="Headphones", category="A")
    for number in range(1, 8):
        make_product(sku=f"{number}", embedding=near(number / 10), category="B")
    make_product(sku="bare", embedding=None)
    make_product(sku="a/b", name="Ärger & “Co”", embedding=axis(2))


@pytest.fixture
def key(django_user_model):
    """A key that may do everything."""
    user = django_user_model.objects.create(username="ada")
    return ApiKey.objects.make(name="fuzzing", user=user, scopes=Scope.values).key


@schema.parametrize()
@hypothesis_settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case, key):
    headers = {"Accept-Encoding": "identity", "Authorization": f"Bearer {key}"}
    case.call_and_validate(headers=headers, excluded_checks=BY_SCHEMA_ALONE)
