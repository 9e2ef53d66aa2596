import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.models import LoggedEvent, LoggedQuery
from tests.factory import make_product
from tests.search_log.logs import GOOGLEBOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamps():
    return [make_product(name=f"Lamp {n}", sku=f"lamp-{n}") for n in (1, 2)]


def links(page):
    """The product links of a page that say from which search they come."""
    found = re.findall(r'href="(/products/\d+/\?query_id=[^"]+)"', page.text)
    return [link.replace("&amp;", "&") for link in found]


def test_a_search_is_kept_with_what_it_showed(log, anna, lamps):
    anna.get("/?q=Lamp&mode=keyword&max_price=20")
    log.handle_all()

    search = LoggedQuery.objects.get()
    assert search.user_query == "Lamp"
    assert sorted(search.query_response_hit_ids) == ["lamp-1", "lamp-2"]
    assert (search.found, search.filtered, search.typed) == (2, True, False)
    assert search.query_attributes == {
        "mode": "keyword",
        "sort": "relevance",
        "page": 1,
        "page_size": 24,
        "max_price": "20",
    }
    assert len(search.client_id) == 32


def test_neither_the_address_nor_the_browser_is_kept(log, anna, lamps):
    anna.get(links(anna.get("/?q=Lamp"))[0])
    log.handle_all()

    [search], [click] = LoggedQuery.objects.values(), LoggedEvent.objects.values()
    assert "192.0.2.7" not in f"{search}{click}"
    assert "Firefox" not in f"{search}{click}"


def test_a_link_leads_from_the_search_to_its_click(log, anna, lamps):
    page = anna.get("/?q=Lamp&mode=keyword")
    second = links(page)[1]
    assert anna.get(second).status_code == 200
    log.handle_all()

    [search], [click] = LoggedQuery.objects.all(), LoggedEvent.objects.all()
    assert click.query_id == search.query_id
    assert click.client_id == search.client_id
    assert (click.action_name, click.position) == ("click", 2)
    assert click.object_id == search.query_response_hit_ids[1]


def test_the_second_page_goes_on_counting(log, anna):
    for number in range(25):
        make_product(name=f"Lamp {number}", sku=f"lamp-{number}")

    [last] = links(anna.get("/?q=Lamp&mode=keyword&page=2"))
    log.handle_all()

    assert last.endswith("&position=25")
    assert LoggedQuery.objects.get().first_position == 25


def test_the_address_of_a_product_is_the_same_page_for_whoever_gets_it(
    log, anna, client, lamps
):
    link = links(anna.get("/?q=Lamp"))[0]
    plain = link.partition("?")[0]

    shared = client.get(link).text

    assert f'<link rel="canonical" href="http://testserver{plain}">' in shared


def test_to_open_a_product_twice_is_one_click(log, anna, lamps):
    link = links(anna.get("/?q=Lamp"))[0]
    anna.get(link)
    anna.get(link)
    log.handle_all()

    assert LoggedEvent.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [{"User-Agent": GOOGLEBOT}, {"Sec-Purpose": "prefetch"}],
    ids=["robot", "prefetch"],
)
def test_who_is_not_there_does_not_click(log, anna, lamps, headers):
    link = links(anna.get("/?q=Lamp"))[0]
    anna.get(link, headers=headers)
    anna.head(link)
    log.handle_all()

    assert not LoggedEvent.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["query_id=x&position=1", "position=1", "query_id=" + 32 * "0", "position=0"],
)
def test_an_address_that_names_no_click_shows_the_product(log, anna, lamps, query):
    assert anna.get(f"/products/{lamps[0].pk}/?{query}").status_code == 200
    assert log.take() == []


def test_robots_get_plain_links(log, client, lamps):
    page = client.get("/?q=Lamp", headers={"User-Agent": GOOGLEBOT})

    assert links(page) == []
    assert log.take() == []


def test_what_the_staff_searches_for_is_not_kept(log, anna, django_user_model):
    anna.force_login(django_user_model.objects.create(username="s", is_staff=True))
    anna.get("/?q=Lamp")

    assert log.take() == []


def test_the_catalogue_itself_is_no_search(log, anna, lamps):
    assert links(anna.get("/?max_price=20")) == []
    assert log.take() == []


def test_no_cache_shares_a_page_with_the_links_of_one_visitor(log, anna, lamps):
    assert anna.get("/?q=Lamp").headers["Cache-Control"] == "private"


def test_no_text_is_kept_where_the_shop_wants_none(log, anna, lamps, settings):
    settings.SEARCH_LOG_TEXTS = False
    anna.get("/?q=Lamp&mode=keyword")
    log.handle_all()

    search = LoggedQuery.objects.get()
    assert search.user_query == ""
    assert "Lamp" not in str(search.query_attributes)
    assert search.found == 2


def statements(visitor, address):
    with CaptureQueriesContext(connection) as asked:
        visitor.get(address)
    return len(asked)


def test_a_page_runs_no_more_statements_than_without_the_log(
    log, anna, lamps, settings
):
    query = "query_id=5e3b2a1c8b7d4f2ea3d4c9b2e1f3a4b5&position=1"
    addresses = ["/?q=Lamp", f"/products/{lamps[0].pk}/?{query}"]
    for address in addresses:
        anna.get(address)  # what is read once
    logged = [statements(anna, address) for address in addresses]
    noted = len(log.take())
    settings.SEARCH_LOG = False

    assert [statements(anna, address) for address in addresses] == logged
    assert (noted, log.take()) == (4, [])


# While somebody types


def typed(visitor, text, **question):
    visitor.get("/", {"q": text, **question}, headers={"HX-Request": "true"})


def kept():
    return [search.user_query for search in LoggedQuery.objects.order_by("timestamp")]


def test_the_last_of_the_half_typed_searches_replaces_the_others(log, anna, lamps):
    for text in ("la", "lam", "lmap", "l", "lamp"):
        typed(anna, text)
    log.handle_all()

    assert kept() == ["lamp"]


def test_another_word_is_another_search(log, anna, lamps):
    for text in ("lamp", "s", "so", "sofa"):
        typed(anna, text)
    log.handle_all()

    assert kept() == ["lamp", "sofa"]


def test_half_typed_searches_may_be_written_by_several_servers(log, anna, lamps):
    typed(anna, "la")
    [early] = log.take()
    typed(anna, "lamp")
    log.handle_all()
    log.handle([early])

    assert kept() == ["lamp"]


def test_a_search_that_was_looked_at_stays(log, anna, lamps):
    typed(anna, "lamp")
    [(visitor, search)] = log.take()
    search.timestamp -= timedelta(seconds=11)
    log.handle([(visitor, search)])
    typed(anna, "lamps")
    log.handle_all()

    assert kept() == ["lamp", "lamps"]


def test_a_search_of_a_page_that_was_opened_is_not_half_typed(log, anna, lamps):
    anna.get("/?q=lamp")
    typed(anna, "lamps")
    log.handle_all()

    assert kept() == ["lamp", "lamps"]


def test_a_half_typed_search_with_a_click_stays(log, anna, lamps):
    page = anna.get("/?q=lamp", headers={"HX-Request": "true"})
    anna.get(links(page)[0])
    log.handle_all()
    typed(anna, "lamps")
    log.handle_all()

    assert kept() == ["lamp", "lamps"]


def test_another_filter_is_another_search_and_a_repeated_one_is_not(log, anna, lamps):
    typed(anna, "lamp")
    typed(anna, "lamp")
    typed(anna, "lamp", max_price=20)
    log.handle_all()

    assert kept() == ["lamp", "lamp"]
    assert LoggedQuery.objects.filter(filtered=True).count() == 1


def test_two_visitors_who_type_at_once_do_not_replace_each_other(log, anna, lamps):
    typed(anna, "lam")
    anna.defaults["REMOTE_ADDR"] = "192.0.2.8"
    typed(anna, "lamp")
    log.handle_all()

    assert kept() == ["lam", "lamp"]
