"""docs/operations.md leads from nothing to a scrape: each of its commands runs here."""

import re
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from products.watching import metrics
from tests.db.test_outage import cluster, environment_for
from tests.serving import free_port

__all__ = ["cluster"]  # a fixture

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "docs" / "alerts.yml").read_text(encoding="utf-8")
SECONDS = 60

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for language, text in BLOCKS
    if language == "bash"
    for line in text.splitlines()
]
SERVICES = {  # command: what it prints when it is ready
    "serve --workers 2": "Started worker-2",
    "metrics": "Metrics at",
    "embed_products --watch": "Watching for products",
}
# Those whose documented metrics need a pool, a token or a second recipe.
SOMETIMES = {"vectorshop_token_seconds_left", "vectorshop_pool_connections"}


def table():
    """The metrics that the page lists."""
    rows = re.findall(r"^\| (`vectorshop_.+?) \|", PAGE, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def manage(line):
    """The arguments of a line that runs manage.py, else None."""
    prefix = ".venv/bin/python manage.py "
    return line.removeprefix(prefix) if line.startswith(prefix) else None


def test_every_command_of_the_page_is_known_here():
    known = [manage(line) for line in COMMANDS if manage(line)]
    others = [line for line in COMMANDS if not manage(line)]

    assert sorted(known) == sorted([*SERVICES, "doctor"])
    assert {line.split()[0] for line in others} == {
        "curl",
        ".venv/bin/pip",
        ".venv/bin/python",
    }


@pytest.fixture
def shop(cluster, tmp_path):
    """A shop of its own with the page's three processes; a function that runs curl."""
    ports = {"8000": str(free_port()), "9464": str(free_port())}
    environment = environment_for(cluster) | {
        "METRICS_ADDRESS": f"127.0.0.1:{ports['9464']}",
        "METRICS_DIR": str(tmp_path / "metrics"),
        "RECALL_SAMPLE": "1",
    }
    run = [sys.executable, "-u", str(ROOT / "manage.py")]
    for command in ("migrate -v 0", "samples load ten -v 0"):
        subprocess.run([*run, *command.split()], env=environment, check=True)

    def curl(line):
        for port, own in ports.items():
            line = line.replace(f":{port}", f":{own}")
        return subprocess.run(
            [*shlex.split(line), "--silent"],
            capture_output=True,
            text=True,
            check=False,
        )

    def doctor():
        return subprocess.run(
            [*run, "doctor"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    with ExitStack() as stack:
        for command, ready in SERVICES.items():
            arguments = shlex.split(command)
            if arguments[0] == "serve":
                arguments += ["--port", ports["8000"]]
            process = stack.enter_context(
                subprocess.Popen(
                    [*run, *arguments],
                    env=environment,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.communicate)  # to its end, for what it still says
            stack.callback(process.terminate)
            while ready not in (line := process.stdout.readline()):
                assert line, f"{command} ended"
        yield curl, doctor


def scraped(curl):
    """All samples of a scrape by name and labels."""
    [line] = [line for line in COMMANDS if "/metrics" in line]
    answer = curl(line)
    assert answer.returncode == 0
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.stdout)
        for sample in family.samples
    }


def searches(found):
    """How many searches a scrape tells of."""
    return sum(
        count
        for (name, *labels), count in found.items()
        if name == "vectorshop_searches_total" and ("mode", "hybrid") in labels
    )


def test_the_page_leads_from_nothing_to_a_scrape(shop):
    curl, doctor = shop
    [search] = [line for line in COMMANDS if "?q=" in line]

    for line in (line for line in COMMANDS if "/health/" in line):
        assert curl(line).returncode == 0
    for _ in range(10):  # each on a connection of its own, so that both workers answer
        assert "Wireless Bluetooth" in curl(search).stdout
    deadline = time.monotonic() + 60  # requests are counted within a second
    while searches(found := scraped(curl)) < 10 and time.monotonic() < deadline:
        time.sleep(0.1)

    def value(name, **labels):
        return found[(name, *sorted(labels.items()))]

    assert searches(found) == 10
    routes = {"route": "products:list", "status": "2xx"}
    assert value("vectorshop_responses_total", **routes) == 10
    # A worker embeds a text once, and finds it in its cache afterwards.
    made = value("vectorshop_query_embeddings_total", source="model")
    assert made in (1, 2)
    assert made + value("vectorshop_query_embeddings_total", source="cache") == 10
    assert value("vectorshop_products") == 10
    assert value("vectorshop_texts_failed") == 0
    names = {re.sub("_(bucket|sum|count)$", "", name) for name, *_ in found}
    assert table() - names <= SOMETIMES | {
        "vectorshop_recall_at_10",  # the worker asks again in ten minutes
        "vectorshop_recall_samples",
    }
    # 9464 is not the shop's address.
    assert "404" in curl("curl -w '%{http_code}' http://127.0.0.1:8000/metrics").stdout
    told = doctor()
    assert "Searches of over 0.25 s" in told.stdout
    assert told.stderr == "" or "need attention" in told.stderr


# What else the page shows


def test_the_scrape_configuration_is_yaml_and_names_the_address():
    [text] = [text for language, text in BLOCKS if language == "yaml"]
    [job] = yaml.safe_load(text)["scrape_configs"]

    assert job["static_configs"] == [{"targets": ["127.0.0.1:9464"]}]
    assert "METRICS_ADDRESS=127.0.0.1:9464" in PAGE


RULES = [rule for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_asks_for_a_metric_that_there_is(rule):
    asked = set(re.findall(r"vectorshop_\w+", rule["expr"]))

    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].strip().endswith((".", "?"))
    assert asked or rule["expr"].startswith("up{")
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in asked} <= table()
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_alerts_and_docs_use_buckets_and_labels_that_there_are():
    bounds = {str(bound) for bound in metrics.SECONDS}
    labels = {
        "searches": {"mode", "filtered", "outcome"},
        "responses": {"route", "status"},
    }

    assert set(re.findall(r'le="([^"]+)"', ALERTS)) <= bounds
    for name, known in labels.items():
        used = re.findall(rf"vectorshop_{name}_total{{([^}}]*)}}", ALERTS + PAGE)
        assert used
        for text in used:
            assert set(re.findall(r"(\w+)[!=]", text)) <= known
