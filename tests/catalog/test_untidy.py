"""Stored texts that are not tidy: reported, and mended only when that is asked for."""

import io

import pytest
from django.core.management import CommandError, call_command

from products.models import Product
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def run(*options):
    """Run the command; return its output and its exit status."""
    out = io.StringIO()
    try:
        call_command("tidy_texts", *options, stdout=out)
    except CommandError as err:
        return f"{out.getvalue()}{err}", err.returncode
    return out.getvalue(), 0


def store(sku, **texts):
    """Store a product whose texts are not tidied, as raw SQL would."""
    product = make_product(name="Mug")
    Product.objects.filter(pk=product.pk).update(sku=sku, **texts)
    return product.pk


def test_tidy_texts_are_not_reported():
    make_product(sku="m1", name="Mug", description="Size < 5 & > 3")

    assert run() == ("No product has an untidy text.\n", 0)


def test_an_entity_may_be_meant():
    make_product(sku="m1", name="Mug", description="Write &amp; for an ampersand")
    store("m2", name="Cup ", category="R&amp;D")

    output, _ = run("--apply")

    assert output.startswith("'m2': mended  name\n")
    assert Product.objects.get(sku="m2").category == "R&amp;D"


def test_untidy_texts_are_reported_and_not_changed():
    make_product(sku="m1", name="Mug")
    store("m2 ", category="\u00a0Lamps")
    store("m3", name="Cafe\u0301", description="<p>Red &amp; blue</p>")
    store("m4", name="  ")
    before = list(Product.objects.order_by("pk").values())

    output, status = run()

    assert status == 1
    assert output.splitlines() == [
        "'m2 ': untidy  sku, category",
        "'m3': untidy  name, description (HTML in description, which may be meant)",
        "'m4': untidy  name: This field cannot be blank.",
        "3 products have untidy texts. --apply mends 2 of them. 1 need a decision of "
        "yours.",
    ]
    assert list(Product.objects.order_by("pk").values()) == before


def test_untidy_texts_are_mended_when_that_is_asked_for():
    store("m2 ", category="\u00a0Lamps")
    store("m3", description="<p>Red &amp; blue</p>")

    output, status = run("--apply")

    assert status == 0
    assert "Mended 2 products." in output and "embed_products" in output
    assert list(Product.objects.order_by("sku").values_list("sku", "category")) == [
        ("m2", "Lamps"),
        ("m3", ""),
    ]
    assert Product.objects.get(sku="m3").description == "Red & blue"
    assert Product.objects.stale().count() == 2
    assert run()[1] == 0


def test_a_sku_that_another_product_has_needs_a_decision():
    make_product(sku="m1", name="Mug")
    store("m1 ")

    output, status = run("--apply")

    assert status == 1
    assert "sku: 'm1' is another product; delete one of the two" in output
    assert "1 need a decision of yours." in output
    assert Product.objects.filter(sku="m1 ").exists()


def test_of_two_products_that_would_get_one_sku_one_is_mended():
    store("m1 ")
    store(" m1")

    _, status = run("--apply")

    assert status == 1
    assert sorted(Product.objects.values_list("sku", flat=True)) == [" m1", "m1"]


def test_a_product_that_somebody_changes_meanwhile_is_left_alone(monkeypatch):
    from products.management.commands import tidy_texts

    pk = store("m1", name="Mug ")
    found = list(tidy_texts.find_untidy("default"))
    Product.objects.filter(pk=pk).update(name="Cup")

    assert not tidy_texts.mend(found[0], "default")
    assert Product.objects.get().name == "Cup"


def test_many_are_counted():
    for number in range(22):
        store(f"m{number} ")

    output, _ = run()

    assert output.count("untidy  sku") == 20
    assert "--verbosity 2 shows all 22" in output
