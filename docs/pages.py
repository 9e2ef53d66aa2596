"""The pages that are pictured and measured, and a shop with a known catalogue for them.

To add a page, add a line to PAGES.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page as Tab, Playwright

ROOT = Path(__file__).parent.parent
SIZES = {1280: {"width": 1280, "height": 860}, 390: {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
WAIT_SECONDS = 60

# The shop's own database beside that of `make demo`, and no setting of a file .env.
ENVIRONMENT = dict.fromkeys(
    [
        "ALLOWED_HOSTS",
        "BEHIND_PROXY",
        "CATALOG_LANGUAGE",
        "CURRENCY",
        "DB_HOST",
        "DB_POOL",
        "DEBUG",
        "EMBEDDING_BACKEND",
        "HNSW_HALFVEC",
        "HTTPS",
        "OPEN_CATALOG",
        "SEARCH_LOG",
    ],
    "",
) | {"DB_NAME": "vectorshop_pictures"}

# When the products were added, so that the pictures show the same date each time.
ADDED = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Page:
    """A page: the name of its pictures, its address, and what to wait for.

    address: {sku} stands for the id of a product. ready: a CSS selector. staff: for who
    is signed in.
    """

    name: str
    address: str
    ready: str = "main"
    staff: bool = False


def admin(name: str, address: str = "", ready: str = "#content") -> Page:
    return Page(f"admin-{name}", f"/admin/{address}", ready, staff=True)


HEADPHONES = "{wireless-bluetooth-headphones}"
PRODUCTS = "products/product/"
PAGES = [
    Page("home", "/"),
    Page("results", "/?q=something+for+running", ".card"),
    Page("corrected", "/?q=wireles+headphons", ".card"),
    Page("filtered", "/?category=Sports&max_price=100", ".card"),
    Page("nothing", "/?q=zzzz"),
    Page("examples", f"/?like={HEADPHONES}&unlike={{smart-watch}}", ".card"),
    Page("product", f"/products/{HEADPHONES}/"),
    Page("parts", f"/products/{HEADPHONES}/why/?q=music"),
    Page("similar", "/similar/?q=laptop"),
    Page("exact", "/exact/?q=running+shoes"),
    Page("compare", f"/compare/?product={HEADPHONES}&product={{smart-watch}}"),
    Page("lab", "/lab/"),
    Page("lab-samples", "/lab/samples/"),
    Page("lab-embedding", "/lab/embedding/"),
    Page("lab-distance", "/lab/distance/"),
    Page("lab-adding", "/lab/adding/"),
    Page("lab-index", "/lab/index/"),
    Page("lab-filters", "/lab/filters/"),
    Page("lab-your-data", "/lab/your-data/"),
    Page("why", "/lab/why/?q=something+for+running"),
    Page("api", "/api/docs", ".swagger-ui .opblock"),
    Page("map", "/map/", "#map-names li"),
    Page("add", "/products/add/"),
    Page("sign-in", "/login/"),
    Page("not-found", "/nowhere/"),
    Page("quality", "/quality/", staff=True),
    Page("admin-log-in", "/admin/login/", "#content"),
    admin("start"),
    admin("products", PRODUCTS),
    admin("product", f"{PRODUCTS}{HEADPHONES}/change/"),
    admin("similar", f"{PRODUCTS}{HEADPHONES}/similar/"),
    admin("embeddings", f"{PRODUCTS}embeddings/"),
    admin("duplicates", f"{PRODUCTS}near-duplicates/"),
    admin("odd-categories", f"{PRODUCTS}odd-categories/"),
    admin("import", f"{PRODUCTS}import/"),
    admin("synonyms", "products/synonym/"),
    admin("search-log", "products/loggedquery/"),
    admin("api-keys", "products/apikey/"),
    admin("new-api-key", "products/apikey/add/"),
]


@dataclass(frozen=True)
class Shop:
    """A shop that runs: its address, a session of its staff, and ids by sku."""

    address: str
    session: str
    ids: dict[str, int]

    def url(self, page: Page) -> str:
        return urljoin(self.address, page.address.format_map(self.ids))

    @contextmanager
    def opened(
        self, browser: Browser, page: Page, width: int, scheme: str
    ) -> Iterator[tuple[Tab, str]]:
        """Open a page in a window of its own, and give its tab and its HTML."""
        context = browser.new_context(
            viewport=SIZES[width], color_scheme=scheme, locale="en-US"
        )
        if page.staff:
            cookie = {"name": "sessionid", "value": self.session, "url": self.address}
            context.add_cookies([cookie])
        tab = context.new_page()
        response = tab.goto(self.url(page))
        tab.locator(page.ready).first.wait_for()
        tab.wait_for_load_state("networkidle")
        yield tab, response.text()
        context.close()


@contextmanager
def own_shop() -> Iterator[Shop]:
    """Serve a shop with a known catalogue in a database of its own, and give it."""
    os.environ.update(ENVIRONMENT)
    session, ids = prepared()
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port), "-v", "0"], cwd=ROOT
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(address)
        yield Shop(address, session, ids)
    finally:
        server.terminate()
        server.wait()


def prepared() -> tuple[str, dict[str, int]]:
    """Fill the database anew; return a session of the staff, and the ids by sku."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "vectorshop.settings"
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections
    from django.test import Client

    from products.models import Product

    call_command("migrate", verbosity=0)
    call_command("flush", verbosity=0, interactive=False)
    load_catalogue()
    Product.objects.update(created_at=ADDED, updated_at=ADDED)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("operator"))
    ids = dict(Product.objects.values_list("sku", "pk"))
    connections.close_all()
    return client.cookies["sessionid"].value, ids


def load_catalogue() -> None:
    """Load the ten samples and the large set, so that map and filters have much to show."""
    from products import samples

    for name in ("ten", "thousand"):
        samples.load(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str) -> None:
    """Wait until the shop answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def chromium(playwright: Playwright) -> Browser:
    """Start the system's Chromium, or else Playwright's own."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
