"""Make the README's pictures: `python docs/screenshots.py http://127.0.0.1:8000/`.

The shop must run there, with the sample products loaded. Needs Chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def similar(page: Page, shop: str) -> None:
    """Go where the lab goes: the products like the headphones."""
    page.goto(urljoin(shop, "similar/?q=Wireless+Bluetooth+Headphones"))


def results(page: Page, shop: str) -> None:
    page.goto(urljoin(shop, "?q=something+for+running"))


def catalogue_map(page: Page, shop: str) -> None:
    page.goto(urljoin(shop, "map/"))
    page.locator("#map-canvas[data-ready]").wait_for()
    page.locator("#map-names li").first.wait_for()


def home(page: Page, shop: str) -> None:
    page.goto(shop)


PICTURES = [
    ("home.png", home, DESK, "light"),
    ("similar.png", similar, DESK, "light"),
    ("results.png", results, DESK, "dark"),
    ("map.png", catalogue_map, DESK, "light"),
    ("phone.png", results, PHONE, "light"),
]


def main(shop: str) -> None:
    """Write every picture into this folder."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, visit, viewport, scheme in PICTURES:
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            visit(page, shop)
            page.screenshot(path=DOCS / name)
            page.close()
        browser.close()
    sys.stdout.write(f"Wrote {len(PICTURES)} pictures into {DOCS}.\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/")
