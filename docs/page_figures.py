"""Print each page's size and layout shift, and what Lighthouse says: `make figures`.

The pages are those of docs/pages.py, at 390 and 1280 pixels. The shift is the sum of
https://web.dev/articles/cls without its pauses, so never less. Ends with status 1 if a
page is larger or moves more than it may. Needs Chromium; Lighthouse, where it is
installed, measures the home and the product page as on a phone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys

from pages import PAGES, SIZES, Page, Shop, chromium, own_shop
from playwright.sync_api import Browser, Page as Tab, sync_playwright

MOST_BYTES = 60_000
MOST_SHIFT = 0.1  # what Lighthouse calls good
MEASURED = ("home", "product")

SHIFT = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) sum += entry.value;
    }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 300);
})"""


def main() -> int:
    """Print the tables; return 1 if a page is larger or moves more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--lighthouse",
        default=shutil.which("lighthouse"),
        help="its program, if it is not in the PATH",
    )
    lighthouse = parser.parse_args().lighthouse
    with own_shop() as shop:
        with sync_playwright() as playwright:
            browser = chromium(playwright)
            bad = [page for page in PAGES if not print_page(shop, browser, page)]
            browser.close()
        if lighthouse:
            for page in PAGES:
                if page.name in MEASURED:
                    print_scores(page, scores(lighthouse, shop.url(page)))
        else:
            say("Lighthouse is not installed; CONTRIBUTING.md says how.")
    return 1 if bad else 0


def print_page(shop: Shop, browser: Browser, page: Page) -> bool:
    """Print a page's line, and return whether it keeps the limits."""
    figures = []
    for width in SIZES:
        with shop.opened(browser, page, width, "light") as (tab, html):
            figures.append((len(html.encode()), layout_shift(tab)))
    size = max(size for size, _ in figures)
    shifts = [shift for _, shift in figures]
    good = size <= MOST_BYTES and max(shifts) <= MOST_SHIFT
    at = "  ".join(
        f"{shift:.3f} at {width}" for width, shift in zip(SIZES, shifts, strict=True)
    )
    say(f"{page.name:22}{size:7,} bytes  shift {at}{'' if good else '  TOO MUCH'}")
    return good


def layout_shift(tab: Tab) -> float:
    """Return how far things moved since the page was opened."""
    return float(tab.evaluate(SHIFT))


def scores(lighthouse: str, url: str) -> dict[str, int]:
    """Return Lighthouse's scores of a page, from 0 to 100, by category."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    report = subprocess.run(
        [
            lighthouse,
            url,
            "--quiet",
            "--output=json",
            "--chrome-flags=--headless=new --no-sandbox",
        ],
        env={**os.environ, **({"CHROME_PATH": found} if found else {})},
        stdout=subprocess.PIPE,
        check=True,
    )
    categories = json.loads(report.stdout)["categories"]
    return {name: round(each["score"] * 100) for name, each in categories.items()}


def print_scores(page: Page, found: dict[str, int]) -> None:
    say(f"{page.name:22}{'  '.join(f'{name} {n}' for name, n in found.items())}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
