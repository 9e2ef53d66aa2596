"""The committed fixtures, and the command that makes them."""

import json
import math
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from products.embeddings import get_backend
from products.models import Product

FILES = [Path(path) for path in settings.FIXTURE_DIRS[0].glob("*.json")]
OF_THE_EMBEDDING = ("embedding", "embedding_fingerprint", "embedded_hash")
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def vectors_of(path):
    return [item["fields"]["embedding"] for item in json.loads(path.read_text())]


def strip(source, target):
    """Copy a fixture without its embeddings."""
    items = json.loads(source.read_text())
    for item in items:
        for column in OF_THE_EMBEDDING:
            del item["fields"][column]
    target.write_text(json.dumps(items))


def test_both_fixtures_are_there():
    assert sorted(file.name for file in FILES) == [
        "new_products.json",
        "sample_products.json",
    ]


@pytest.mark.django_db
def test_loading_the_samples_twice_keeps_rows_and_ids():
    call_command("loaddata", "sample_products", verbosity=0)
    before = dict(Product.objects.values_list("sku", "id"))
    Product.objects.filter(sku="yoga-mat").update(price=1)

    call_command("loaddata", "sample_products", verbosity=0)

    assert len(before) == 10
    assert dict(Product.objects.values_list("sku", "id")) == before
    assert Product.objects.get(sku="yoga-mat").price > 1


@pytest.mark.django_db
@pytest.mark.usefixtures("real_model")
def test_what_the_fixtures_load_needs_no_embedding():
    call_command("loaddata", "sample_products", "new_products", verbosity=0)

    assert Product.objects.count() == 13
    assert not Product.objects.needs_embedding().exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("broken_model")
def test_loading_embeds_nothing(tmp_path):
    bare = tmp_path / "bare.json"
    strip(FILES[0], bare)

    call_command("loaddata", bare, verbosity=0)

    assert Product.objects.missing_embedding().count() == Product.objects.count() > 0


@every_file
@pytest.mark.usefixtures("real_model")
def test_embedding_a_finished_fixture_changes_no_byte(file, tmp_path):
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())

    call_command("embed_fixture", copy, verbosity=0)

    assert copy.read_bytes() == file.read_bytes()


@every_file
@pytest.mark.usefixtures("real_model")
def test_a_fixture_can_be_made_again(file, tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    for copy in (first, second):
        strip(file, copy)
        call_command("embed_fixture", copy, verbosity=0)

    assert first.read_bytes() == second.read_bytes()
    # ONNX Runtime rounds differently on other processors: see the model's README.
    for vector, committed in zip(vectors_of(first), vectors_of(file), strict=True):
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
        similarity = sum(a * b for a, b in zip(vector, committed, strict=True))
        assert similarity > 0.9995
    assert "".join(first.read_text().split()).count('"embedding":[') == len(
        vectors_of(file)
    )


@every_file
@pytest.mark.usefixtures("real_model")
def test_only_the_vectors_differ_between_made_and_committed(file, tmp_path):
    made = tmp_path / "made.json"
    strip(file, made)
    call_command("embed_fixture", made, verbosity=0)

    def without_numbers(path):
        return [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if '"embedding":' not in line
        ]

    assert without_numbers(made) == without_numbers(file)


def test_changed_text_is_embedded_again(tmp_path):
    path = tmp_path / "fixture.json"
    strip(FILES[0], path)
    call_command("embed_fixture", path, verbosity=0)
    before = vectors_of(path)
    items = json.loads(path.read_text())
    items[0]["fields"]["name"] = "Something else"
    path.write_text(json.dumps(items))

    call_command("embed_fixture", path, verbosity=0)

    after = vectors_of(path)
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    fingerprint = json.loads(path.read_text())[0]["fields"]["embedding_fingerprint"]
    assert fingerprint == get_backend().fingerprint


@pytest.mark.parametrize("text", ["", "[7]", "{}", "7", '[{"fields": {"name": "x"}}]'])
def test_a_file_that_is_no_fixture_of_products_is_left_alone(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)

    if text == "{}":  # nothing to embed in an empty collection
        call_command("embed_fixture", path, verbosity=0)
    else:
        with pytest.raises(CommandError, match="is not a fixture of products"):
            call_command("embed_fixture", path, verbosity=0)

    assert path.read_text() == text


def test_a_missing_fixture_is_told(tmp_path):
    with pytest.raises(CommandError, match="is not a fixture of products"):
        call_command("embed_fixture", tmp_path / "nowhere.json")


@pytest.mark.usefixtures("broken_model")
def test_a_broken_model_leaves_the_fixture_alone(tmp_path):
    path = tmp_path / "bare.json"
    strip(FILES[0], path)
    before = path.read_bytes()

    with pytest.raises(CommandError, match="Repair it"):
        call_command("embed_fixture", path)

    assert path.read_bytes() == before
