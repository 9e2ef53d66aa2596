"""How smoothly the map moves: intervals between frames while it is dragged.

    .venv/bin/python benchmarks/map_frames.py http://127.0.0.1:8000/

The shop must run there; the map of 20,000 products is the hard case. Opens the map in
headless Chromium on a desk and on a phone, of all points and closer, and drags it in a
circle for three seconds, a move before each frame. Prints the frames a second, the
median, 95th percentile and longest of the intervals of requestAnimationFrame, and the
processor time that the page takes for a frame, which other programs do not lengthen.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Browser, CDPSession, ViewportSize, sync_playwright

FRAMES = 180
SCREENS: list[tuple[str, ViewportSize, int]] = [
    ("desk", {"width": 1280, "height": 900}, 1),
    ("phone", {"width": 390, "height": 844}, 2),
]
VIEWS = {"all": "map/", "closer": "map/?at=0.5,0.5,4"}

DRAG = """frames => new Promise(done => {
    const canvas = document.getElementById("map-canvas");
    const { left, top, width } = canvas.getBoundingClientRect();
    const move = (type, angle) => canvas.dispatchEvent(new PointerEvent(type, {
        pointerId: 1, pointerType: "mouse", bubbles: true,
        clientX: left + width / 2 + 80 * Math.sin(angle),
        clientY: top + 150 + 60 * Math.cos(angle),
    }));
    canvas.setPointerCapture = () => {}; // there is no real pointer
    const times = [];
    move("pointerdown", 0);
    requestAnimationFrame(function step(now) {
        times.push(now);
        move("pointermove", times.length / 20);
        if (times.length <= frames) return requestAnimationFrame(step);
        move("pointerup", 0);
        done(times.slice(1).map((time, i) => time - times[i]));
    });
})"""


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("shop", help="The shop's address.")
    shop = options.parse_args().shop
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for screen, viewport, ratio in SCREENS:
            for name, path in VIEWS.items():
                said = measure(browser, urljoin(shop, path), viewport, ratio)
                sys.stdout.write(f"{screen}, {name}: {said}\n")
        browser.close()


def measure(browser: Browser, address: str, viewport: ViewportSize, ratio: int) -> str:
    """Return what dragging the map of a page gives, in words."""
    context = browser.new_context(viewport=viewport, device_scale_factor=ratio)
    page = context.new_page()
    page.goto(address)
    page.locator("#map-canvas[data-ready]").wait_for()
    page.locator("#map-names li").first.wait_for()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = seconds_busy(session)
    times = sorted(page.evaluate(DRAG, FRAMES))
    busy = (seconds_busy(session) - before) * 1_000 / FRAMES
    context.close()
    return (
        f"{1_000 / statistics.mean(times):.0f} frames a second, "
        f"median {statistics.median(times):.1f} ms, "
        f"95 % {times[int(0.95 * len(times))]:.1f} ms, longest {times[-1]:.1f} ms; "
        f"{busy:.1f} ms of processor time a frame"
    )


def seconds_busy(session: CDPSession) -> float:
    """Return the processor time that the page's main thread has taken."""
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


if __name__ == "__main__":
    main()
