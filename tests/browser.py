"""Chromium for the tests, with the pages' complaints collected."""

import os
import re
import shutil
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# How long a test waits for a page: a machine with other work is slow, not broken.
WAIT_MILLISECONDS = 30_000
expect.set_options(timeout=WAIT_MILLISECONDS)

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

# The rules that need a whole page are left to the eye; these must find nothing.
IMPACTS = {"serious", "critical"}

# Statuses that tests ask for, and htmx's note that a newer request replaced one.
EXPECTED = re.compile(
    r"status of (40|50)|Status Error Code 500|^htmx:(afterRequest|sendAbort)"
)
# What a page needs, and no test asks for: there no status is expected.
FILES = re.compile(r"/static/|/favicon.ico")


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


@contextmanager
def visits(browser, base_url):
    """A function that opens a page; at the end no page may have complained.

    Its user, if any, is signed in; without scripts nothing but HTML is left.
    """
    contexts, errors = [], []

    def visit(path="/", *, user=None, **options):
        context = browser.new_context(
            base_url=base_url, **({"viewport": DESK} | options)
        )
        context.set_default_timeout(WAIT_MILLISECONDS)
        contexts.append(context)
        if user:
            context.add_cookies([session_cookie(user, base_url)])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: note(message, page))
        page.goto(path)
        return page

    def note(message, page):
        if message.type != "error":
            return
        url = message.location.get("url", "")
        missing = message.text.startswith("Failed to load") and FILES.search(url)
        if missing or not EXPECTED.search(message.text):
            errors.append(f"{page.url}: {message.text} {url}")

    yield visit
    for context in contexts:
        context.close()
    assert not errors, "\n".join(errors)


def session_cookie(user, base_url):
    """The cookie of a session in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return {
        "name": "sessionid",
        "value": client.cookies["sessionid"].value,
        "url": base_url,
    }


def make_staff():
    """A superuser, who may open every page."""
    return get_user_model().objects.create(
        username="staff", is_staff=True, is_superuser=True
    )


def complaints(page):
    """What axe finds serious or critical on the page, readably."""
    # Not add_script_tag(): the pages' own policy refuses inline scripts.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        if violation["impact"] in IMPACTS
        for node in violation["nodes"]
    ]


def sideways(page):
    """How many pixels the page can be scrolled to the side."""
    # The body's width leaves out the room that is kept for a scroll bar.
    return page.evaluate(
        "document.documentElement.scrollWidth - document.body.clientWidth"
    )


def layout_shift(page):
    """How far things moved by themselves since the page was opened.

    The sum of https://web.dev/articles/cls without its pauses, so never less; what
    moves right after a key or a click is counted too.
    """
    return page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            new PerformanceObserver(list => {
                for (const entry of list.getEntries()) sum += entry.value;
            }).observe({type: "layout-shift", buffered: true});
            setTimeout(() => done(sum), 300);
        })"""
    )
