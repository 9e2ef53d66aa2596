"""Judging results in a real browser, and what the page about quality says of it."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from products.models import Judgement, Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page):
    get_user_model().objects.create_superuser("staff", password="for tests only")
    page.goto("/admin/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill("for tests only")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="View site").click()


def judge_button(page, place, answer):
    """The button below the result at a place, from 0."""
    return page.locator(".card").nth(place).get_by_role("button", name=answer)


@pytest.mark.usefixtures("samples", "real_model")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_judgements_by_mouse_and_keyboard_become_a_measure(visit, scripts):
    page = visit(java_script_enabled=scripts)
    sign_in(page)
    page.get_by_label("Search", exact=True).fill("running shoes")
    page.keyboard.press("Enter")

    judge_button(page, 0, "No").click()
    expect(judge_button(page, 0, "No")).to_have_attribute("aria-pressed", "true")
    judge_button(page, 1, "Yes").focus()
    page.keyboard.press("Enter")
    expect(judge_button(page, 1, "Yes")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Search", exact=True)).to_have_value("running shoes")
    page.get_by_role("link", name="Search quality").click()

    assert sorted(Judgement.objects.values_list("grade", flat=True)) == [0, 1]
    # The only relevant product comes second: 1 / log2(3), where first would be 1.
    row = page.get_by_role("row", name="Meaning and words")
    expect(row.get_by_role("cell").first).to_have_text("0.631")
    expect(page.get_by_text("Judgements: 2,")).to_be_visible()


@pytest.mark.usefixtures("samples", "real_model")
def test_another_judgement_of_the_same_result_replaces_the_first(visit):
    page = visit()
    sign_in(page)
    page.goto("/?q=running+shoes")

    judge_button(page, 0, "No").click()
    expect(judge_button(page, 0, "No")).to_have_attribute("aria-pressed", "true")
    judge_button(page, 0, "Yes").click()

    expect(judge_button(page, 0, "Yes")).to_have_attribute("aria-pressed", "true")
    expect(judge_button(page, 0, "No")).to_have_attribute("aria-pressed", "false")
    page.goto("/quality/")
    row = page.get_by_role("row", name="Meaning and words")
    expect(row.get_by_role("cell").first).to_have_text("1.000")


@pytest.mark.usefixtures("samples")
def test_the_page_of_the_quality_goes_on_by_itself(visit, monkeypatch):
    monkeypatch.setattr("products.quality.steps.STEP_SECONDS", 0)
    product = Product.objects.get(sku="running-shoes")
    Judgement.objects.create(query="running shoes", product=product, grade=1)
    page = visit()
    sign_in(page)

    page.get_by_role("link", name="Search quality").click()

    expect(page.get_by_role("region", name="nDCG by mode")).to_be_visible()
    expect(page.get_by_role("link", name="Go on measuring")).to_have_count(0)
