"""evaluate_search, with measures computed by hand."""

import json
import math
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from products.models import Product
from products.quality.evaluation import (
    Measured,
    ModeMeasures,
    measure_ranking,
)
from products.search import Mode

# Gains 2^grade - 1 by discounts log2(position + 1), here 1, 1.585 and 2.
SECOND, THIRD = 1 / math.log2(3), 1 / 2


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# One query


def test_what_nobody_judged_counts_as_not_relevant():
    # Grades by place: -, 1, 3. At best: 3, 1, 0.
    found = measure_ranking(
        "1", ["new", "fair", "good"], {"good": 3, "fair": 1, "bad": 0}
    )

    assert found.ndcg == pytest.approx(
        (1 * SECOND + 7 * THIRD) / (7 + 1 * SECOND), abs=1e-12
    )
    assert found.ndcg == pytest.approx(0.5413, abs=1e-4)
    assert found.judged == pytest.approx(2 / 3)


def test_judged_only_takes_out_what_nobody_judged():
    # Without "new": 1, 3.
    found = measure_ranking(
        "1", ["new", "fair", "good"], {"good": 3, "fair": 1, "bad": 0}
    )

    assert found.judged_only == pytest.approx(
        (1 + 7 * SECOND) / (7 + 1 * SECOND), abs=1e-12
    )
    assert found.judged_only == pytest.approx(0.7098, abs=1e-4)


def test_judged_only_looks_past_the_tenth_place():
    ranking = [*(f"new-{number}" for number in range(150)), "good"]

    found = measure_ranking("1", ranking, {"good": 2})

    assert (found.ndcg, found.judged_only, found.judged) == (0, 1, 0)


def test_recall_looks_at_fifty_places_and_every_grade_over_zero():
    ranking = ["half", *(f"new-{number}" for number in range(49)), "late"]

    found = measure_ranking("1", ranking, {"half": 0.5, "late": 3, "bad": 0})

    assert found.recall == 1 / 2


def test_an_empty_answer_measures_nothing_but_its_emptiness():
    found = measure_ranking("1", [], {"good": 1})
    report = ModeMeasures(Mode.HYBRID, [found, Measured("2", 1, 1, 1, 0.5)])

    assert found == Measured("1", 0, 0, 0, None)
    assert report.empty == 1
    assert report.interval("ndcg").mean == 0.5
    assert report.interval("judged").mean == 0.5
    assert ModeMeasures(Mode.HYBRID, [found]).interval("judged") is None


def test_the_interval_holds_the_mean():
    report = ModeMeasures(
        Mode.HYBRID, [Measured(str(n), n / 40, 0, 0, 0) for n in range(41)]
    )

    interval = report.interval("ndcg")

    assert interval.mean == 0.5
    # The standard error of the mean is 0.296 / sqrt(41) = 0.046.
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.046, abs=0.01)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.046, abs=0.01)


# The command


@pytest.fixture
def shop(db):
    for name in ("Desk lamp", "Lava lamp", "Oak chair", "Lava stone"):
        Product(name=name, price=1).save()


@pytest.fixture
def files(tmp_path):
    queries = "qid\tquery\n1\tlava lamp\n2\tchair\n3\tzzzz\n4\tdesk\n"
    judgements = (
        "1\tlava-lamp\t1\n1\tdesk-lamp\t3\n1\tgone\t3\n"
        "2\toak-chair\t2\n3\tlava-stone\t1\n4\tdesk-lamp\t0\n9\toak-chair\t1\n"
    )
    return [
        "--queries",
        str(write(tmp_path, "q.tsv", queries)),
        "--judgements",
        str(write(tmp_path, "r.tsv", judgements)),
    ]


def run(*arguments):
    out = StringIO()
    call_command("evaluate_search", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_report_tells_what_was_measured_and_what_left_out(shop, files):
    lines = run(*files).splitlines()

    assert lines[0] == "3 of 4 queries have a relevant product; 7 judgements."
    assert lines[1].startswith("Left out: 1 judged skus that are not in the catalogue")
    assert "gone" in lines[1]
    assert lines[2].endswith("1 queries that are not asked, such as 9.")
    assert " with a description, " in lines[3]
    assert lines[3].split()[0] == str(Product.objects.count())
    assert [line.split()[0] for line in lines[5:]] == [
        *("mode", "hybrid", "semantic", "keyword")
    ]


def test_the_measures_are_those_of_the_ranking(shop, files):
    report = json.loads(run(*files, "--mode", "keyword", "--json"))

    # "lava lamp" ranks lava-lamp (1), then desk-lamp (3) and lava-stone (nobody's).
    first, second, third = report["modes"]["keyword"]["per_query"]
    assert [first["qid"], second["qid"], third["qid"]] == ["1", "2", "3"]
    assert first["judged_only"] == pytest.approx((1 + 7 * SECOND) / (7 + SECOND))
    assert first["recall"] == 1
    assert first["judged"] == pytest.approx(2 / 3)
    assert second == {"qid": "2", "ndcg": 1, "judged_only": 1, "recall": 1, "judged": 1}
    assert third == {
        "qid": "3",
        "ndcg": 0,
        "judged_only": 0,
        "recall": 0,
        "judged": None,
    }
    mean = (first["judged_only"] + 1) / 3
    assert report["modes"]["keyword"]["judged_only"]["mean"] == pytest.approx(mean)
    assert report["modes"]["keyword"]["empty"] == 1
    assert report["unknown_skus"] == ["gone"]
    assert report["without_relevant"] == ["4"]
    assert report["unasked"] == ["9"]
    assert report["evaluated"] == 3


def test_a_catalogue_without_the_judged_products_is_told(shop, tmp_path):
    queries = write(tmp_path, "q", "1\tlamp\n")
    judgements = write(tmp_path, "r", "1\tgone\t3\n")

    with pytest.raises(CommandError, match="Is it the right catalogue?"):
        run("--queries", str(queries), "--judgements", str(judgements))


def test_keyword_results_do_not_pass_for_meaning(shop, files, broken_model):
    with pytest.raises(CommandError, match="Searching by meaning is not possible"):
        run(*files, "--mode", "semantic")


def test_bad_files_are_told(shop, tmp_path):
    bad = write(tmp_path, "q", "1\n")

    with pytest.raises(CommandError, match="q, line 1: expected qid, query"):
        run("--queries", str(bad), "--judgements", str(bad))
