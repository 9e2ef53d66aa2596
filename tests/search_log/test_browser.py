"""The search log with a real browser, whose visitor never sees it."""

import re

import pytest
from playwright.sync_api import expect

from products.models import LoggedEvent, LoggedQuery
from tests.factory import make_product
from tests.views.test_browser import with_and_without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@with_and_without_scripts
def test_a_click_is_kept_and_the_address_is_that_of_the_product(log, visit, scripts):
    make_product(name="Floor lamp", sku="floor", description="A lamp, a lamp")
    make_product(name="Desk lamp", sku="desk")
    page = visit("/?q=lamp&mode=keyword", java_script_enabled=scripts)
    page.locator(".card h3 a").nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Desk lamp")
    expect(page).to_have_url(re.compile(r"/[0-9]+/$" if scripts else "position=2"))
    page.reload()
    log.handle_all()

    [click] = LoggedEvent.objects.all()
    assert (click.object_id, click.position) == ("desk", 2)
    assert click.client_id == LoggedQuery.objects.get().client_id
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"csrftoken"}


def test_what_is_typed_letter_by_letter_is_one_search(log, visit):
    make_product(name="Floor lamp")
    page = visit("/")
    box = page.get_by_label("Search", exact=True)
    for text in ("l", "la", "lamp"):
        with page.expect_response(re.compile(rf"[0-9]/\?(.*&)?q={text}(&|$)")):
            box.fill(text)
    expect(page.locator(".card")).to_have_count(1)
    log.handle_all()

    assert [search.user_query for search in LoggedQuery.objects.all()] == ["lamp"]
