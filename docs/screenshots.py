"""Picture every page into docs/screenshots: `make screenshots`.

Each page of docs/pages.py at 390 and 1280 pixels, light and dark. To make some of them
alone, name them: `.venv/bin/python docs/screenshots.py home map`. Needs Chromium.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from pages import PAGES, SCHEMES, SIZES, chromium, own_shop
from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "screenshots"
QUALITY = 38  # of WebP; texts stay sharp, and all pictures fit into 3 MB
MOST_BYTES = 3_000_000


def main(names: list[str]) -> None:
    """Write the pictures, and say how large they are together."""
    unknown = set(names) - {page.name for page in PAGES}
    if unknown:
        raise SystemExit(f"No page is called {', '.join(sorted(unknown))}.")
    pages = [page for page in PAGES if not names or page.name in names]
    FOLDER.mkdir(exist_ok=True)
    with own_shop() as shop, sync_playwright() as playwright:
        browser = chromium(playwright)
        for page in pages:
            for width in SIZES:
                for scheme in SCHEMES:
                    with shop.opened(browser, page, width, scheme) as (tab, _html):
                        picture = tab.screenshot(animations="disabled")
                    save(picture, FOLDER / f"{page.name}-{width}-{scheme}.webp")
        browser.close()
    pictures = list(FOLDER.glob("*.webp"))
    size = sum(picture.stat().st_size for picture in pictures)
    sys.stdout.write(f"{len(pictures)} pictures in {FOLDER}: {size:,} bytes.\n")
    if size > MOST_BYTES:
        raise SystemExit(f"They are larger than {MOST_BYTES:,} bytes: lower QUALITY.")


def save(picture: bytes, path: Path) -> None:
    """Write a PNG as WebP."""
    Image.open(io.BytesIO(picture)).save(path, "WEBP", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(sys.argv[1:])
