"""The shop on one server and, by `make test-citus`, on shards: the same lists on both."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from products.models import Judgement, NotDuplicate, Product
from products.samples import load, load_sample_products, remove
from products.search import Filters, search
from products.search.answer import similar_to
from products.search.completions import completions
from products.search.vocabulary import vocabulary
from products.search.words import query_terms
from products.sql.sharding import estimated_rows, id_of_sku, is_sharded
from products.upkeep.pending import embed_pending
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


def run(*args, **options):
    out = StringIO()
    call_command(*args, stdout=out, stderr=out, **options)
    return out.getvalue()


def write(path, *rows):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


def row(sku, **columns):
    return {"sku": sku, "name": f"Name of {sku}", "price": "1", **columns}


def analyze():
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")


# Saving


def test_a_sku_is_there_once():
    make_product(sku="one")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_product(sku="one")

    assert Product.objects.filter(sku="one").count() == 1


def test_a_saved_product_has_its_id_and_can_be_changed():
    product = make_product(sku="one", name="Lamp")
    if is_sharded("default"):
        assert product.pk == id_of_sku("one")

    product.name = "Lantern"
    product.save()

    assert Product.objects.get(pk=product.pk).name == "Lantern"


def test_products_made_at_once_have_their_own_ids():
    made = Product.objects.bulk_create(
        Product(sku=f"sku-{number}", name=f"Name {number}", price=1)
        for number in range(40)
    )

    stored = dict(Product.objects.values_list("sku", "pk"))
    assert {product.sku: product.pk for product in made} == stored


def test_judgements_and_pairs_go_with_their_product():
    one, two = make_product(), make_product()
    Judgement.objects.create(query="lamp", product=one, grade=1)
    NotDuplicate.objects.settle(one, two, user=None)

    one.delete()

    assert not Judgement.objects.exists()
    assert not NotDuplicate.objects.exists()


def test_samples_are_loaded_twice_and_removed():
    assert load_sample_products() == load_sample_products() == 10
    assert Product.objects.count() == 10

    load("new", replace=False)
    remove("ten")

    assert Product.objects.count() == 3


# Imports


def test_an_import_adds_changes_and_deletes(tmp_path):
    run("import_products", write(tmp_path / "a.jsonl", row("a"), row("b"), row("c")))
    Judgement.objects.create(query="x", product=Product.objects.get(sku="c"), grade=1)

    file = write(tmp_path / "b.jsonl", row("a", price="2"), row("b"), row("d"))
    run("import_products", file, delete_missing=True)

    stored = {p.sku: (p.name, int(p.price)) for p in Product.objects.all()}
    assert stored == {
        "a": ("Name of a", 2),
        "b": ("Name of b", 1),
        "d": ("Name of d", 1),
    }
    assert not Judgement.objects.exists()
    assert Product.objects.embedding_states()["fresh"] == 3


def test_an_import_keeps_what_the_file_does_not_say(tmp_path):
    run("import_products", write(tmp_path / "a.jsonl", row("a", category="Lamps")))

    run("import_products", write(tmp_path / "b.jsonl", {"sku": "a", "price": "3"}))

    product = Product.objects.get(sku="a")
    assert (product.name, product.category) == ("Name of a", "Lamps")
    assert int(product.price) == 3


def test_an_export_can_be_imported(tmp_path):
    load_sample_products()
    before = list(Product.objects.order_by("sku").values_list("sku", "name", "price"))
    file = tmp_path / "all.jsonl"
    run("export_products", str(file))
    Product.objects.all().delete()

    run("import_products", str(file))

    after = Product.objects.order_by("sku").values_list("sku", "name", "price")
    assert list(after) == before


# Searching


@pytest.fixture
def lamps():
    """Lamps, each a tenth farther from axis 0 than the one before, and other things."""
    for number in range(8):
        make_product(
            sku=f"lamp-{number}",
            name=f"Desk lamp {'with a shade ' * number}",
            category="Lamps",
            price=number,
            embedding=near(number / 10),
        )
    for number in range(8):
        make_product(sku=f"cup-{number}", name="Cup", embedding=axis(2))
    analyze()


def skus(results):
    return [hit.product.sku for hit in results]


def test_similar_products_are_nearest_first(lamps):
    lamp = Product.objects.get(sku="lamp-0")

    _, results = similar_to(lamp.pk, page_size=3)

    assert skus(results) == ["lamp-1", "lamp-2", "lamp-3"]


def test_a_filter_leaves_the_nearest_that_pass(lamps):
    lamp = Product.objects.get(sku="lamp-0")

    results = search(like=[lamp], filters=Filters(min_price=5, categories=("Lamps",)))

    assert skus(results) == ["lamp-5", "lamp-6", "lamp-7"]


def test_words_find_the_shortest_name_first(lamps):
    found = skus(search("lamp", mode="keyword"))

    assert found == [f"lamp-{number}" for number in range(8)]


def test_a_common_word_finds_the_shortest_names(lamps, monkeypatch):
    monkeypatch.setattr("products.search.word_matches.COMMON", 3)

    found = skus(search("lamp", mode="keyword"))

    assert found == [f"lamp-{number}" for number in range(8)]


def test_a_sku_comes_first(lamps):
    assert skus(search("CUP-3"))[0] == "cup-3"


def test_a_word_weighs_as_much_as_it_is_rare(lamps):
    lamp, shade = query_terms("lamp shade", using="default")

    assert (lamp.count, shade.count) == (8, 7)
    assert shade.weight > lamp.weight > 0


def test_the_statistics_are_those_of_all_products(lamps):
    assert estimated_rows("default") == 16
    assert vocabulary("default").counts["lamp"] == 8


def test_a_half_typed_text_is_completed(lamps):
    assert completions("lam").products[0].sku == "lamp-0"


def test_a_typing_error_is_corrected(lamps):
    assert skus(search("lanp"))[0] == "lamp-0"


# Embeddings


def test_pending_products_are_embedded_once():
    for number in range(70):
        make_product(sku=f"sku-{number}", embedding=None)

    assert sum(embed_pending()) == 70
    assert sum(embed_pending()) == 0
    assert Product.objects.embedding_states()["fresh"] == 70


# Pages


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/?q=lamp",
        "/?q=lamp&mode=keyword&category=Lamps",
        "/?min_price=2&sort=price",
        "/map/",
        reverse("admin:index"),
        reverse("admin:products_product_changelist"),
        reverse("admin:products_product_embeddings"),
        reverse("admin:products_product_duplicates"),
        reverse("admin:products_product_odd_categories"),
    ],
)
def test_a_page_is_shown(lamps, admin_client, address):
    assert admin_client.get(address).status_code == 200


def test_a_near_duplicate_is_reported_until_it_is_settled(admin_client):
    twin, lamp = make_product(sku="twin"), make_product(sku="lamp")
    make_product(embedding=axis(1))
    page = reverse("admin:products_product_duplicates")
    assert "twin" in admin_client.get(page).content.decode()

    NotDuplicate.objects.settle(twin, lamp, user=None)

    pairs = reverse("admin:products_notduplicate_changelist")
    assert twin.name in admin_client.get(pairs).content.decode()
    assert "twin" not in admin_client.get(page).content.decode()


# What only shards do


@pytest.mark.citus
def test_a_sku_stays(admin_client):
    product = make_product(sku="one")
    page = reverse("admin:products_product_change", args=[product.pk])

    html = admin_client.get(page).content.decode()

    assert "On a cluster the sku cannot be changed" in html
    assert 'name="sku"' not in html
    with pytest.raises(IntegrityError), transaction.atomic():
        Product.objects.filter(sku="one").update(sku="two")


@pytest.mark.citus
def test_shards_are_made_once():
    with pytest.raises(CommandError, match="on shards already"):
        call_command("shard_products")


@pytest.mark.citus
def test_the_memory_of_a_build_is_that_of_the_nodes():
    with pytest.raises(CommandError, match="ALTER DATABASE"):
        call_command("build_index", memory=64)
