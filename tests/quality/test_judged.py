"""Judged queries, read from files: what is taken, and what is refused with its line."""

import pytest

from products.quality.judged import EvaluationError, read_judgements, read_queries


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "1\tred lamp\n2\tchair\n",
        "qid\tquery\n1\tred lamp\n2\tchair\n",
        "Query_ID\ttext\r\n1\t red lamp \r\n\r\n2\tchair",
        "\ufeffqid\tquery\n1\tred lamp\n2\tchair\n2\tchair\n",
    ],
    ids=["bare", "header", "windows", "mark"],
)
def test_queries_are_read(tmp_path, text):
    assert read_queries(write(tmp_path, "q", text)) == {"1": "red lamp", "2": "chair"}


@pytest.mark.parametrize("header", ["", "qid\tsku\tgrade\n"])
def test_judgements_are_read(tmp_path, header):
    path = write(tmp_path, "r", header + "1\tlamp\t3\n1\tchair\t0\n2\tlamp\t0.5\n")

    assert read_judgements(path) == {"1": {"lamp": 3, "chair": 0}, "2": {"lamp": 0.5}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1\tlamp\n2\n", "line 2: expected qid, query, separated by tabs"),
        ("1 lamp\n", "line 1: expected"),
        ("1\tlamp\t3\n", "line 1: expected"),
        ("\tlamp\n", "line 1: expected"),
        ("1\tla\0mp\n", "line 1: expected"),
        ("1\tlamp\n\n2\t \n", "line 3: the query is empty"),
        ("1\tlamp\n1\tchair\n", "line 2: the query 1 stands there twice"),
        ("1\t" + 1001 * "x", "line 1: A search has at most 1,000 characters"),
        (b"1\tlamp\n2\t\xff\n", "line 2: this is not UTF-8"),
    ],
)
def test_a_bad_query_is_told_with_its_line(tmp_path, text, reason):
    with pytest.raises(EvaluationError, match=reason):
        read_queries(write(tmp_path, "q", text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1\tlamp\n", "line 1: expected qid, sku, grade, separated by tabs"),
        ("1\tlamp\tgood\n", "line 1: the grade 'good' is not a number from 0 to 100"),
        ("1\tlamp\t-1\n", "line 1: the grade '-1'"),
        ("1\tlamp\tnan\n", "line 1: the grade 'nan'"),
        ("1\tlamp\t101\n", "line 1: the grade '101'"),
        ("1\tlamp\t\n", "line 1: the grade ''"),
        ("qid\tsku\tgrade\n1\ta\t1\n1\ta\t2\n", "line 3: the product a has two grades"),
    ],
)
def test_a_bad_judgement_is_told_with_its_line(tmp_path, text, reason):
    with pytest.raises(EvaluationError, match=reason):
        read_judgements(write(tmp_path, "r", text))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(EvaluationError, match="cannot be read: No such file"):
        read_queries(tmp_path / "nothing.tsv")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(EvaluationError, match="cannot be read: Is a directory"):
        read_queries(tmp_path)
