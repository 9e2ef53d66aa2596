"""The admin's page of the search log, and its line on the start page."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.search_log.logs import clicked, searched

PAGE = "/admin/products/loggedquery/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def log_on(settings):
    settings.SEARCH_LOG = True


def tables(page):
    """The cells of the page's three tables, row by row, without their links."""
    bodies = re.findall(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    return [
        [
            [re.sub(r"<[^>]+>", "", cell).strip() for cell in row.split("<td>")[1:]]
            for row in body.split("<tr>")[1:]
        ]
        for body in bodies
    ]


def test_the_page_shows_what_is_searched_for_in_vain_and_opened(admin_client):
    clicked(searched("lamp", skus=["a", "b"]), "a", 1)
    searched("Lamp", skus=["a"], visitor="bert")
    searched("usb c", filtered=True)
    searched("usb c", visitor="bert")

    page = admin_client.get(PAGE)

    frequent, empty, given_up, positions = tables(page)
    assert [row[:2] for row in frequent] == [["lamp", "2"], ["usb c", "2"]]
    assert [row[:3] for row in empty] == [["usb c", "2", "1"]]
    assert given_up == [[]]
    assert positions == [["1", "2", "1", "50%"], ["2", "1", "0", "0%"]]
    assert "4 searches, of which 2 found nothing; 1 of those had a filter" in page.text


def test_each_text_leads_to_its_search_and_to_a_synonym(admin_client):
    searched("usb & c")

    page = admin_client.get(PAGE).text

    assert page.count('href="/?q=usb%20%26%20c"') == 2
    assert page.count('href="/admin/products/synonym/add/?words=usb%20%26%20c"') == 2


def test_what_was_given_up_for_another_search_may_be_a_synonym(admin_client):
    for visitor in ("anna", "bert"):
        searched("settee", visitor=visitor)
        clicked(searched("sofa", visitor=visitor, skus=["a"]), "a", 1)

    page = admin_client.get(PAGE)

    assert [row[:3] for row in tables(page)[2]] == [["settee", "sofa", "2"]]
    assert 'href="/admin/products/synonym/add/?words=settee%2C%20sofa"' in page.text


def test_both_ends_of_the_dates_are_included(admin_client):
    today = timezone.localdate()
    for days in (0, 1, 2):
        searched(f"{days} days", timestamp=timezone.now() - timedelta(days=days))
    days = {
        "start": (today - timedelta(days=1)).isoformat(),
        "end": (today - timedelta(days=1)).isoformat(),
    }

    frequent, _, _, _ = tables(admin_client.get(PAGE, days))

    assert [row[0] for row in frequent] == ["1 days"]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ({"start": "tomorrow"}, "Enter a valid date."),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "Exchange them."),
        ({"start": "0001-01-01", "end": "9999-12-31"}, "Enter a date from"),
    ],
    ids=["no-date", "wrong-way-round", "too-far"],
)
def test_dates_that_are_none_are_refused(admin_client, days, message):
    page = admin_client.get(PAGE, days)

    assert page.status_code == 400
    assert message in page.text


def test_the_page_runs_seven_statements_of_its_own(
    admin_client, django_assert_max_num_queries
):
    searched("lamp", skus=["a"])
    with django_assert_max_num_queries(9):  # with the session and the user
        admin_client.get(PAGE)


@pytest.mark.parametrize(
    ("permissions", "status"), [(["view"], 200), ([], 403)], ids=["may", "may-not"]
)
def test_only_who_may_see_the_log_sees_it(log_in, permissions, status):
    clerk = log_in(*permissions, model="loggedquery")

    assert clerk.get(PAGE).status_code == status


def test_the_page_says_why_nothing_is_added(admin_client, settings):
    assert "SEARCH_LOG" not in admin_client.get(PAGE).text
    settings.SEARCH_LOG_TEXTS = False
    assert "SEARCH_LOG_TEXTS says" in admin_client.get(PAGE).text
    settings.SEARCH_LOG = False
    assert "SEARCH_LOG=true switches it on" in admin_client.get(PAGE).text


def test_the_start_page_says_how_many_searches_find_nothing(admin_client):
    searched("lamp", skus=["a"])
    searched("lamp", skus=["z"], first_position=25)  # the second page
    searched("usb c", filtered=True)
    searched("usb d")
    searched("long ago", timestamp=timezone.now() - timedelta(days=8))

    page = admin_client.get("/admin/").text

    assert "66.7%" in page
    assert "2 of 3 searches in the last seven days; 1 of those had a filter" in page
    german = admin_client.get("/admin/", headers={"accept-language": "de"}).text
    assert "1 von diesen hatte einen Filter" in german
    searched("usb e", filtered=True)
    german = admin_client.get("/admin/", headers={"accept-language": "de"}).text
    assert "2 von diesen hatten einen Filter" in german


def test_without_a_log_the_start_page_asks_nothing_about_it(admin_client, settings):
    settings.SEARCH_LOG = False

    assert "Searches without result" not in admin_client.get("/admin/").text
