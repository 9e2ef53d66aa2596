"""Chromium for the tests, with the pages' complaints collected."""

import os
import shutil
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

# The rules that need a whole page are left to the eye; these must find nothing.
IMPACTS = {"serious", "critical"}


@contextmanager
def chromium():
    """A running browser; skips the tests where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed.")
    # Playwright runs an event loop in this thread, which Django takes for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def complaints(page, rules=None):
    """What axe finds serious or critical on the page, readably; all rules by default."""
    options = {"runOnly": rules} if rules else None
    # Not add_script_tag(): the pages' own policy refuses inline scripts.
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for violation in found
        if violation["impact"] in IMPACTS
        for node in violation["nodes"]
    ]


def sideways(page):
    """How many pixels the page can be scrolled to the side."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
