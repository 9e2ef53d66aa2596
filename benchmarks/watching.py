"""What it costs to watch the shop, and whether its memory stays flat meanwhile.

    DB_NAME=shop .venv/bin/python benchmarks/watching.py
    DB_NAME=shop .venv/bin/python benchmarks/watching.py --load-minutes 10

Serves a catalogue of 100,000 products by two servers (2 workers of 4 threads, wrk with 8
connections): the shop as it is, and with all of it on: metrics that are scraped, one
search in a thousand sampled, a line of JSON for each request, and the search log. Their
turns alternate and their order changes, 60 rounds: short ones, as a shared machine is not
as fast all the time. The ratio is the median of the rounds' ratios. Ends with status 1
where the watched shop gives under 95 % of the pages.

--load-minutes: serves the watched shop alone, asks for pages of each kind without a pause,
prints the memory of its workers each half a minute, and ends with status 1 where the last
quarter needs over 2 % more than the second. The first quarter fills the caches.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote_plus

from bench_serving import default_database
from large_catalogue import parser, say, use_large_catalogue

# isort: split
from django.urls import reverse
from serving.queries import QUERIES, read_queries
from serving.server import Server, serving

from products.models import Product

ROOT = Path(__file__).resolve().parent.parent
APPLICATION = "vectorshop.wsgi:application"
ROUNDS = 60
PAGES = 2_000  # of products, chosen at random
TEXTS = 200
SCRAPE_SECONDS = 15
REPORT_SECONDS = 30
LEAST_SHARE = 0.95
MOST_GROWTH = 1.02


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--seconds", type=float, default=1, help="Of each turn. Default: 1."
    )
    options.add_argument(
        "--load-minutes", type=float, help="Load the watched shop for so long instead."
    )
    chosen = options.parse_args()
    name = use_large_catalogue(rows=chosen.rows, rebuild=chosen.rebuild)
    with default_database(name):
        ids = list(Product.objects.order_by("pk").values_list("pk", flat=True))
        asked = random.Random(3).sample(ids, min(PAGES, len(ids)))
        if chosen.load_minutes:
            sys.exit(not is_flat(pages_of(asked), minutes=chosen.load_minutes))
        sys.exit(share(similar_pages(asked), seconds=chosen.seconds) < LEAST_SHARE)


@contextmanager
def watched() -> Iterator[Server]:
    """Serve the shop with all of it on, and scrape it as Prometheus would."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory())))
        address = f"127.0.0.1:{9400 + random.randrange(500)}"
        variables = {
            "METRICS_ADDRESS": address,
            "METRICS_DIR": str(folder / "metrics"),
            "RECALL_SAMPLE": "1000",
            "LOG_FORMAT": "json",
            "SEARCH_LOG": "true",
        }
        log = folder / "log"
        server = stack.enter_context(
            serving(APPLICATION, "granian", folder=ROOT, log=log, **variables)
        )
        stack.enter_context(scraped(address, variables))
        yield server
        say(f"  the log has {log.stat().st_size / 2**20:,.0f} MB")


def memory() -> str | None:
    """Return a folder in memory, as the documentation advises, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@contextmanager
def scraped(address: str, variables: dict[str, str]) -> Iterator[None]:
    """Run `manage.py metrics`, and ask it each 15 seconds."""
    stop = threading.Event()

    def scrape() -> None:
        while not stop.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(f"http://{address}/metrics") as answer:
                answer.read()

    command = [sys.executable, "-u", "manage.py", "metrics"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline()
        thread = threading.Thread(target=scrape)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            process.terminate()


def share(urls: list[str], *, seconds: float) -> float:
    """Return which share of the pages the watched shop gives; say each round."""
    ratios = []
    with (
        serving(APPLICATION, "granian", folder=ROOT) as plain,
        watched() as other,
    ):
        servers = {"as it is": plain, "watched": other}
        for server in servers.values():
            server.load(urls, seconds=min(seconds, 5))
        for number in range(ROUNDS):
            order = sorted(servers, reverse=bool(number % 2))
            rates = {
                name: servers[name].load(urls, seconds=seconds).rate for name in order
            }
            ratios.append(rates["watched"] / rates["as it is"])
            say(
                f"  as it is {rates['as it is']:8,.1f}/s, watched "
                f"{rates['watched']:8,.1f}/s, {ratios[-1]:.3f}"
            )
    found = statistics.median(ratios)
    say(f"The watched shop gives {found:.1%} of the similar pages.")
    return found


def is_flat(urls: list[str], *, minutes: float) -> bool:
    """Return whether the memory of the watched shop stays flat; say it as it goes."""
    measured = []
    rounds = max(4, round(minutes * 60 / REPORT_SECONDS))
    seconds = minutes * 60 / rounds
    with watched() as server:
        for number in range(1, rounds + 1):
            rate = server.load(urls, seconds=seconds).rate
            measured.append(server.memory_mb())
            say(
                f"  {number * seconds / 60:5.1f} min  {rate:8,.1f}/s  "
                f"{measured[-1]:7.1f} MB a worker"
            )
    quarter = len(measured) // 4
    second = statistics.fmean(measured[quarter : 2 * quarter])
    last = statistics.fmean(measured[-quarter:])
    say(
        f"A worker has {second:.1f} MB in the second quarter, {last:.1f} MB in the last."
    )
    return last <= MOST_GROWTH * second


def similar_pages(ids: list[int]) -> list[str]:
    """Return the addresses of the pages with what is like a product."""
    return [f"{reverse('products:similar')}?product={pk}" for pk in ids]


def pages_of(ids: list[int]) -> list[str]:
    """Return addresses of each kind, in random order."""
    texts = read_queries(QUERIES)[:TEXTS]
    home = reverse("products:list")
    urls = [
        *similar_pages(ids),
        *(reverse("products:detail", args=[pk]) for pk in ids),
        *(f"{home}?q={quote_plus(text)}" for text in texts),
        *(f"{home}?q={quote_plus(text)}&max_price=100" for text in texts),
        home,
    ]
    random.Random(4).shuffle(urls)
    return urls


if __name__ == "__main__":
    main()
