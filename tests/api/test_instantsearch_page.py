"""The example page of docs/instantsearch.md, in a browser with the real library."""

import json
import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.factory import make_product
from tests.npm import npm_file

VERSION = "4.118.1"
INTEGRITY = (
    "i5fxbr8Ou/63scNk5fqtf+JdBGWFn4Uge6IXN6iPFNw5XgCt5XX0makU1d8hWy36eIneArJUQl2kHlHo"
    "GLAiMQ=="
)
MEMBER = "package/dist/instantsearch.production.min.js"
TEXT = (Path(settings.BASE_DIR) / "docs/instantsearch.md").read_text(encoding="utf-8")


def block(language, place=0):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)[place]


def test_the_commands_fetch_what_the_test_fetches():
    pack, unpack = block("bash").splitlines()

    assert shlex.split(pack) == ["npm", "pack", f"instantsearch.js@{VERSION}"]
    archive, member = shlex.split(unpack)[2::2]
    assert archive == f"instantsearch.js-{VERSION}.tgz"
    assert member == MEMBER


@pytest.mark.django_db
def test_the_request_of_the_page_finds_what_it_asks_for(client):
    make_product(sku="a", name="Lamp", category="Home", price="100", embedding=None)
    make_product(sku="b", name="Lamp", category="Home", price="101", embedding=None)
    words = shlex.split(block("bash", 1).replace("\\\n", ""))
    body, address = words[words.index("-d") + 1], words[2]
    assert address == "http://localhost:8000/api/v1/instantsearch"

    response = client.post("/api/v1/instantsearch", body, "application/json")

    [answer] = response.json()["results"]
    assert answer["nbHits"] == 1
    assert answer["facets"] == {"category": {"Home": 1}}


@pytest.fixture
def page(visit):
    """The example page at the shop's own address, with what it asked for."""
    library = npm_file("instantsearch.js", VERSION, INTEGRITY, MEMBER)
    page = visit()
    page.route(
        "**/find/search.html",
        lambda route: route.fulfill(body=block("html"), content_type="text/html"),
    )
    page.route(f"**/find/{library.name}", lambda route: route.fulfill(path=library))
    page.asked = []
    page.on("request", lambda request: note(request, page.asked))
    page.goto("/find/search.html")
    return page


def note(request, asked):
    if request.method == "POST":
        asked.append(json.loads(request.post_data))


@pytest.fixture
def shop(settings):
    settings.CURRENCY = "€"
    for number in range(13):
        make_product(
            sku=f"H{number}",
            name=f"Lamp {number}",
            category="Home",
            price=f"{22 - number}.50",
            description="A <b>lamp</b> for the desk.",
            embedding=None,
        )
    make_product(
        sku="S1", name="Bicycle lamp", category="Sports", price="40", embedding=None
    )
    make_product(sku="C1", name="Chair", category="Home", price="50", embedding=None)


def hits(page):
    return page.locator(".ais-Hits-item")


def drawn(page):
    """Wait until InstantSearch draws no more, which empties what is being typed."""
    page.wait_for_function("search.status === 'idle'")


def choices(page):
    return page.locator("#category .ais-RefinementList-item")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_page_searches_narrows_and_turns_pages(shop, page):
    expect(hits(page)).to_have_count(12)
    expect(page.locator("#stats")).to_contain_text("15 results")
    expect(choices(page)).to_have_text(
        [re.compile("Home *14"), re.compile("Sports *1")]
    )

    page.get_by_placeholder("Search", exact=True).fill("lamp")
    expect(page.locator("#stats")).to_contain_text("14 results")
    expect(hits(page).first.locator("mark").first).to_have_text("Lamp")
    # The text of a product is no HTML.
    expect(hits(page).first.locator("p")).to_have_text("A <b>lamp</b> for the desk.")
    page.get_by_role("link", name="Page 2", exact=True).click()
    expect(hits(page)).to_have_count(2)

    page.get_by_label("Sports").check()
    expect(hits(page)).to_have_count(1)
    expect(hits(page).first).to_contain_text("Bicycle lamp")
    expect(hits(page).first).to_contain_text("40.00 EUR")
    # The other category keeps its count: it is asked for beside.
    expect(choices(page)).to_have_text(
        [re.compile("Sports *1"), re.compile("Home *13")]
    )
    assert len(page.asked[-1]) == 2

    page.get_by_label("Sports").uncheck()
    expect(page.locator("#stats")).to_contain_text("14 results")
    drawn(page)
    page.locator("#price input[type=number]").last.fill("12")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#stats")).to_contain_text("2 results")
    page.locator("#sort-by select").select_option("products:price")
    expect(hits(page).first).to_contain_text("Lamp 12")

    drawn(page)
    values = page.locator("#category input[type=search]")
    values.fill("om")
    expect(choices(page).locator("mark")).to_have_text("om")
    values.fill("spo")
    expect(page.locator("#category")).to_contain_text("No results")
