"""Every command of docs/api.md runs, one after the other, against a running shop."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("real_model", "samples"),
]

PAGE = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def blocks(language):
    return re.findall(f"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(command, folder):
    """What a command prints, run in a folder."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_curl_gets_its_answer(live_server, tmp_path):
    lines = re.sub(r"\\\n *", "", "".join(blocks("bash"))).splitlines()
    curls = [line for line in lines if line.startswith("curl ")]

    answers = [
        json.loads(
            run(["bash", "-c", f"SHOP={live_server.url}; {curl} --silent"], tmp_path)
        )
        for curl in curls
    ]

    search, similar, examples, suggested, facets, missing, problem, packed = answers
    assert f"SHOP={ADDRESS}" in lines
    assert len(search["hits"]) == 2
    assert similar["hits"][0]["product"]["sku"] == "noise-cancelling-earbuds"
    assert all(float(hit["product"]["price"]) <= 100 for hit in examples["hits"])
    assert "headphones" in suggested["queries"]
    assert facets["categories"][0] == {"category": "Sports", "count": 2}
    assert missing["place"] is None
    assert {e["parameter"] for e in problem["errors"]} == {"limit", "mode"}
    assert packed["hits"][:2] == search["hits"]


def test_the_python_client_is_made_and_pages_through(live_server, tmp_path):
    [generate] = [
        line for line in "".join(blocks("bash")).splitlines() if " generate " in line
    ]
    [snippet] = blocks("py")
    (tmp_path / "docs").symlink_to(settings.BASE_DIR / "docs")
    python, *arguments = generate.split()

    run([sys.executable, *arguments], tmp_path)
    Path(tmp_path, "pages.py").write_text(snippet.replace(ADDRESS, live_server.url))
    printed = run([sys.executable, "pages.py"], tmp_path).splitlines()

    assert python == ".venv/bin/python"
    assert len(printed) == 9  # of ten samples all but the product itself
    assert printed[0].startswith("1 noise-cancelling-earbuds 0.")
