"""The reports' pages in the admin: a finding is settled there, and can be undone."""

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import translation

from products.admin_pages import reports
from products.models import NotDuplicate, Product
from tests.factory import axis, make_product, near
from tests.reading import messages_of

LIST = "/admin/products/product/"
DUPLICATES = LIST + "near-duplicates/"
ODD = LIST + "odd-categories/"
SETTLED = "/admin/products/notduplicate/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def twins():
    return make_product(name="Lamp"), make_product(name="Torch", embedding=near(0.01))


@pytest.fixture
def odd():
    """A product in the garden among ten lights."""
    product = make_product(name="Desk lamp", category="Garden", embedding=axis(0))
    for number in range(10):
        make_product(category="Light", embedding=near(0.1, towards=number + 1))
    return product


# Not a duplicate


def test_a_pair_is_settled_on_the_page_and_not_shown_again(admin_client, twins):
    lamp, torch = twins
    here = f"{DUPLICATES}?threshold=0.05&after=0"
    shown = admin_client.get(here).text

    response = admin_client.post(here, {"product": torch.pk, "other": lamp.pk})
    page = admin_client.get(response.url).text

    assert "Not a duplicate: Lamp and Torch" in shown
    assert response.url == here
    assert "Torch and Lamp are no duplicates, and not shown again." in page
    assert f'href="{SETTLED}"' in page
    assert "None found." in page
    [pair] = NotDuplicate.objects.all()
    assert (pair.product, pair.other, pair.user.username) == (lamp, torch, "admin")


def test_a_settled_pair_is_shown_again_once_it_is_deleted(admin_client, twins):
    pair = NotDuplicate.objects.settle(*twins, user=None)

    listed = admin_client.get(SETTLED)
    admin_client.post(
        SETTLED,
        {"action": "delete_selected", "_selected_action": [pair.pk], "post": "yes"},
    )

    assert list(listed.context["cl"].result_list) == [pair]
    assert "Not a duplicate: Lamp and Torch" in admin_client.get(DUPLICATES).text


def test_the_list_of_settled_pairs_reads_no_vector(
    admin_client, twins, django_assert_max_num_queries
):
    NotDuplicate.objects.settle(*twins, user=None)

    with django_assert_max_num_queries(8) as queries:
        admin_client.get(SETTLED)

    assert not any('"embedding"' in query["sql"] for query in queries)


@pytest.mark.parametrize(
    ("product", "other"),
    [("first", "first"), ("first", "0"), ("", "first"), ("a\0", "9" * 30)],
    ids=["one product twice", "deleted", "empty", "nonsense"],
)
def test_what_is_no_pair_is_not_settled(admin_client, twins, product, other):
    given = {"product": product, "other": other}
    given = {name: twins[0].pk if v == "first" else v for name, v in given.items()}

    response = admin_client.post(DUPLICATES, given)

    assert response.url == DUPLICATES
    assert messages_of(response)[0].startswith("Nothing was changed")
    assert not NotDuplicate.objects.exists()


# Keep this one


def test_one_of_a_pair_is_kept_and_the_other_deleted(admin_client, twins):
    lamp, torch = twins
    shown = admin_client.get(DUPLICATES).text

    response = admin_client.post(
        DUPLICATES, {"keep": "1", "product": torch.pk, "other": lamp.pk}
    )

    assert (
        "Keep this one: torch" in shown and "Lamp (lamp) is deleted for good." in shown
    )
    assert response.url == DUPLICATES
    assert messages_of(response) == ["Kept Torch and deleted Lamp."]
    assert list(Product.objects.all()) == [torch]
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.is_deletion()) == ("Lamp", True)


def test_nothing_is_deleted_where_the_one_to_keep_is_gone(admin_client, twins):
    lamp, torch = twins
    gone = torch.pk
    torch.delete()

    response = admin_client.post(
        DUPLICATES, {"keep": "1", "product": gone, "other": lamp.pk}
    )

    assert messages_of(response)[0].startswith("Nothing was changed")
    assert list(Product.objects.all()) == [lamp]


def test_who_may_not_delete_products_keeps_both(log_in, twins):
    client = log_in("view", "change")
    given = {"keep": "1", "product": twins[0].pk, "other": twins[1].pk}

    assert "is deleted for good" not in client.get(DUPLICATES).text
    assert client.post(DUPLICATES, given).status_code == 403
    assert Product.objects.count() == 2


# Move to a category


def test_a_product_is_moved_to_the_category_of_its_neighbours(admin_client, odd):
    shown = admin_client.get(ODD).text
    given = {"product": odd.pk, "seen_in": "Garden", "category": "Light"}

    response = admin_client.post(ODD, given)
    page = admin_client.get(response.url).text

    odd.refresh_from_db()
    assert "Move Desk lamp to Light" in shown
    assert "Moved Desk lamp from Garden to Light." in page
    assert f'href="{LIST}{odd.pk}/change/"' in page  # where it is undone
    assert odd.category == "Light"
    assert odd.embedded_hash == odd.text_hash  # the category is part of the text
    entry = LogEntry.objects.get(object_id=odd.pk)
    with translation.override("de"):
        assert entry.get_change_message() == "Kategorie geändert."


def test_moving_leaves_what_others_wrote_meanwhile(admin_client, odd, monkeypatch):
    save = Product.save

    def save_late(product, **kwargs):
        Product.objects.filter(pk=odd.pk).update(price="5.00")
        save(product, **kwargs)

    monkeypatch.setattr(Product, "save", save_late)

    admin_client.post(
        ODD, {"product": odd.pk, "seen_in": "Garden", "category": "Light"}
    )

    odd.refresh_from_db()
    assert (odd.category, str(odd.price)) == ("Light", "5.00")


def test_a_product_that_was_moved_meanwhile_stays_there(admin_client, odd):
    Product.objects.filter(pk=odd.pk).update(category="Office")

    response = admin_client.post(
        ODD, {"product": odd.pk, "seen_in": "Garden", "category": "Light"}
    )

    odd.refresh_from_db()
    assert odd.category == "Office"
    assert messages_of(response) == [
        "Desk lamp is in Office by now, and was not moved."
    ]


@pytest.mark.usefixtures("broken_model")
def test_a_product_is_moved_with_a_warning_when_it_cannot_be_embedded(admin_client):
    product = make_product(category="Garden", fingerprint="broken/384/0")

    response = admin_client.post(
        ODD, {"product": product.pk, "seen_in": "Garden", "category": "Light"}
    )

    product.refresh_from_db()
    assert product.category == "Light"
    assert messages_of(response)[0] == (
        "Saved, but not embedded: The model is broken. Repair it."
    )


@pytest.mark.parametrize("category", ["", "a\0", "x" * 201])
def test_a_category_that_is_none_is_refused(admin_client, odd, category):
    response = admin_client.post(
        ODD, {"product": odd.pk, "seen_in": "Garden", "category": category}
    )

    odd.refresh_from_db()
    assert odd.category == "Garden"
    assert messages_of(response)[0].startswith("Nothing was changed")


# Who may


def test_who_may_only_view_settles_nothing(log_in, twins):
    client = log_in("view")
    pair = {"product": twins[0].pk, "other": twins[1].pk}
    move = {"product": twins[0].pk, "seen_in": "", "category": "Light"}

    for url, given in ((DUPLICATES, pair), (ODD, move)):
        assert client.post(url, given).status_code == 403
        assert '<form method="post">' not in client.get(url).text
    assert client.get(SETTLED).status_code == 403
    assert not NotDuplicate.objects.exists()
    twins[0].refresh_from_db()
    assert twins[0].category == ""


def test_who_may_delete_products_may_delete_those_of_a_pair(log_in, twins):
    NotDuplicate.objects.settle(*twins, user=None)
    client = log_in("view", "delete")

    client.post(f"{LIST}{twins[0].pk}/delete/", {"post": "yes"})

    assert list(Product.objects.all()) == [twins[1]]


# How far the report is


def test_a_page_says_how_many_products_are_left(admin_client, monkeypatch):
    products = [make_product() for _ in range(3)]
    look = reports.near_duplicates
    monkeypatch.setattr(
        reports, "near_duplicates", lambda **options: look(limit=2, **options)
    )

    page = admin_client.get(DUPLICATES).text

    assert "Looked at 2 products in the order of their ids; 1 left." in page
    assert f"after={products[1].pk}" in page
