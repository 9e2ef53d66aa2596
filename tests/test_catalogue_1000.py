"""The sample set of about 1,000 products, and the script that makes it."""

import gzip
import json
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from products.embeddings import get_backend
from products.embeddings.text import embedding_text, text_hash
from products.models import Product

FOLDER = Path(settings.FIXTURE_DIRS[0])
FIXTURE = FOLDER / "catalogue_1000.json.gz"
RELEVANCE = Path(__file__).parent / "relevance_1000.toml"
TEXTS = ("sku", "name", "category", "description", "price")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(FOLDER / "make_catalogue.py"))


@pytest.fixture(scope="module")
def committed():
    items = json.loads(gzip.decompress(FIXTURE.read_bytes()))
    return [item["fields"] for item in items]


def test_the_script_makes_the_committed_texts(script, committed):
    made = list(script["catalogue"]())

    assert made == [{name: fields[name] for name in TEXTS} for fields in committed]


@pytest.mark.usefixtures("real_model")
def test_the_script_makes_the_committed_embeddings(script, committed):
    some = committed[::20]
    bare = [{name: fields[name] for name in TEXTS} for fields in some]

    made = script["embedded"](bare)

    for item, fields in zip(made, some, strict=True):
        vector, other = item["fields"]["embedding"], fields["embedding"]
        similarity = sum(a * b for a, b in zip(vector, other, strict=True))
        assert similarity > 0.999
        for name in ("embedding_fingerprint", "embedded_hash"):
            assert item["fields"][name] == fields[name]


@pytest.mark.usefixtures("real_model")
def test_rounding_the_vectors_keeps_the_nearest_ten(committed):
    import numpy as np

    some = committed[::5]
    rounded = np.array([fields["embedding"] for fields in some])
    texts = [
        embedding_text(fields["name"], fields["category"], fields["description"])
        for fields in some
    ]
    # One text at a time, as the script does: padding would move the last digits.
    exact = np.vstack([get_backend().embed_known([text])[0] for text in texts])

    for place in range(len(some)):
        tens = [
            set(np.argsort(-(vectors @ vectors[place]))[:10])
            for vectors in (rounded, exact)
        ]
        assert len(tens[0] & tens[1]) >= 9


def test_the_products_are_varied_and_none_is_one_of_the_other_samples(committed):
    categories = Counter(fields["category"] for fields in committed)
    others = [
        item["fields"]
        for name in ("sample_products", "new_products")
        for item in json.loads((FOLDER / f"{name}.json").read_text())
    ]

    assert len(committed) == 980
    assert len(categories) == 14
    assert set(categories.values()) == {70}
    for column in ("sku", "name"):
        values = {fields[column] for fields in committed}
        assert len(values) == 980
        assert values.isdisjoint(fields[column] for fields in others)
    assert FIXTURE.stat().st_size < 3_000_000


def test_the_texts_are_as_a_shop_writes_them(committed):
    for fields in committed:
        assert re.fullmatch(r"\d+\.(00|50|90|95|99)", fields["price"])
        assert fields["description"].count(".") >= 3
        assert not re.search(r"[~=|;]|  ", fields["name"] + fields["description"])
        assert fields["embedded_hash"] == text_hash(
            fields["name"], fields["category"], fields["description"]
        )


@pytest.mark.django_db
@pytest.mark.usefixtures("real_model")
def test_loaddata_loads_it_with_its_embeddings_and_the_search_finds(capsys):
    call_command("loaddata", "catalogue_1000", verbosity=0)

    assert Product.objects.count() == 980
    assert not Product.objects.needs_embedding().exists()
    call_command("check_relevance", RELEVANCE)
    assert "expectations are met" in capsys.readouterr().out
