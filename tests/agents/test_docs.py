"""The commands of docs/agents.md, asked of a running shop."""

import argparse
import json
import re
import shlex
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.conf import settings

PAGE = (Path(settings.BASE_DIR) / "docs" / "agents.md").read_text(encoding="utf-8")
CURL = re.compile(r"^curl .*?(?=^curl|^```)", re.MULTILINE | re.DOTALL)


def curl(line):
    """What curl would answer: not every machine has it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    parser.add_argument("url")
    _, *words = shlex.split(line.replace("\\\n", ""))
    asked = parser.parse_args(words)
    headers = dict(header.split(": ", 1) for header in asked.H)
    request = Request(asked.url, asked.d and asked.d.encode(), headers)
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.django_db(transaction=True)
def test_every_command_of_the_page_is_answered(samples, live_server):
    commands = CURL.findall(PAGE.replace("http://localhost:8000", live_server.url))
    answers = [curl(command) for command in commands]

    profile, found, listed, looked_up, product, tools, called = answers
    assert profile["ucp"]["version"] == "2026-08-25"
    assert found["products"]
    assert all(
        each["price_range"]["max"]["amount"] <= 6000 for each in found["products"]
    )
    assert len(listed["products"]) == 2
    assert listed["pagination"]["has_next_page"] is True
    assert [each["id"] for each in looked_up["products"]] == [
        "wireless-bluetooth-headphones"
    ]
    assert looked_up["messages"][0]["content"] == "no-such-product"
    assert product["product"]["id"] == "wireless-bluetooth-headphones"
    assert len(tools["result"]["tools"]) == 3
    assert called["result"]["structuredContent"]["product"]["id"] == "yoga-mat"
