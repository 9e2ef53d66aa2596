"""A client that is generated from docs/openapi.json asks the running shop."""

import importlib
import subprocess
import sys

import pytest
from django.conf import settings

from tests.factory import make_product, near

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def client_package(tmp_path_factory):
    """The generated package, whose modules can be imported."""
    folder = tmp_path_factory.mktemp("generated")
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n", encoding="utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--path", settings.BASE_DIR / "docs" / "openapi.json"),
            *("--output-path", folder / "shop_client", "--meta", "none"),
            *("--config", config, "--fail-on-warning"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield "shop_client"


@pytest.fixture
def shop(live_server, client_package):
    """A function that calls an operation of a module by its name."""
    make_product(sku="lamp", name="Lamp", price=20)
    make_product(sku="lamp-1", name="Lamp 1", embedding=near(0.1), price=5)
    make_product(sku="lamp-2", name="Lamp 2", embedding=near(0.2), price=9)
    make = importlib.import_module(f"{client_package}.client").Client

    def call(tag, name, *args, **kwargs):
        module = importlib.import_module(f"{client_package}.api.{tag}.{name}")
        with make(base_url=live_server.url) as client:
            return module.sync_detailed(*args, client=client, **kwargs)

    return call


def test_a_generated_client_reads_a_product(shop):
    lamp = shop("products", "get_product", "lamp").parsed

    assert (lamp.sku, lamp.name, lamp.price) == ("lamp", "Lamp", "20.00")


def test_a_generated_client_reads_problems(shop):
    answer = shop("products", "get_product", "nothing")

    assert answer.status_code == 404
    assert answer.parsed.title == "Not Found"
    assert "'nothing'" in answer.parsed.detail


def test_a_generated_client_pages_by_cursors(shop):
    first = shop("products", "similar_products", "lamp", limit=1).parsed
    cursor = first.next_cursor
    second = shop("products", "similar_products", "lamp", limit=1, cursor=cursor).parsed

    assert [hit.product.sku for hit in first.hits] == ["lamp-1"]
    assert [hit.product.sku for hit in second.hits] == ["lamp-2"]
    assert first.total.value == 2


def test_a_generated_client_searches_by_examples(shop, client_package):
    models = importlib.import_module(f"{client_package}.models")
    body = models.ExamplesQuestion(like=["lamp"], max_price=6)

    found = shop("search", "search_by_examples", body=body).parsed

    assert [hit.product.sku for hit in found.hits] == ["lamp-1"]
