"""How much processor time this process needs for the page of a product.

    DB_NAME=shop .venv/bin/python benchmarks/view_time.py

Asks Django's test client for 400 products chosen at random, always the same ones, and
prints the median in milliseconds. PostgreSQL's own time is not counted. To compare two
versions of the code, check both out beside each other and run this in turns.
"""

# ruff: noqa: E402 - Django must be set up before its models are imported.
from __future__ import annotations

import logging
import os
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")

import django

django.setup()

from django.test import Client

from products.models import Product

PAGES = 400
WARM_UP = 50


def main() -> None:
    logging.disable()
    client = Client(SERVER_NAME="localhost")
    ids = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    if not ids:
        sys.exit("There is no product. Run manage.py loaddata sample_products.")
    chosen = random.Random(0).choices(ids, k=PAGES)
    for pk in chosen[:WARM_UP]:
        client.get(f"/products/{pk}/")
    times = []
    for pk in chosen:
        started = time.process_time()
        client.get(f"/products/{pk}/")
        times.append((time.process_time() - started) * 1000)
    sys.stdout.write(f"{statistics.median(times):.2f} ms\n")


if __name__ == "__main__":
    main()
