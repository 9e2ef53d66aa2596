"""Records out of catalogue files: formats, and everything that can be wrong in one."""

import gzip
import io
import json
import tracemalloc

import pytest

from products.catalog.records import Record, read_records
from products.catalog.source import (
    MAX_RECORD_BYTES,
    Format,
    Source,
    SourceError,
    format_of,
    open_source,
)


def source_of(data, format=Format.CSV, **kwargs):
    if isinstance(data, str):
        data = data.encode()
    if isinstance(data, bytes):
        data = io.BytesIO(data)
    return Source(name="test", format=format, raw=data, **kwargs)


def records_of(data, format=Format.CSV, delimiter="", **kwargs):
    return list(read_records(source_of(data, format, **kwargs), delimiter=delimiter))


def good(records):
    return [record.fields for record in records if isinstance(record, Record)]


def refused(records):
    return {r.line: r.reason for r in records if not isinstance(r, Record)}


TWO_MUGS = [{"name": "Mug", "price": "1"}, {"name": "Räd, \n2", "price": "2"}]


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (Format.CSV, 'name,price\r\nMug,1\r\n"Räd, \n2",2\r\n'),
        (Format.TSV, 'name\tprice\nMug\t1\n"Räd, \n2"\t2'),
        (Format.JSON, json.dumps(TWO_MUGS)),
        (Format.JSONL, "\n".join(json.dumps(mug) for mug in TWO_MUGS)),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
def test_all_formats_say_the_same(format, text, pack, bom):
    records = records_of(pack(bom + text.encode()), format)

    assert good(records) == TWO_MUGS


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.csv", Format.CSV),
        ("A.CSV.GZ", Format.CSV),
        ("a.tsv", Format.TSV),
        ("a.b.json.gz", Format.JSON),
        ("a.ndjson", Format.JSONL),
    ],
)
def test_the_ending_tells_the_format(name, format):
    assert format_of(name) is format


def test_an_unknown_ending_asks_for_the_format():
    with pytest.raises(SourceError, match="--format"):
        format_of("products.xlsx")


def test_lines_are_counted_from_the_header_through_quoted_line_ends():
    records = records_of('name,price\n"a\nb",1\n\nc,2\n')

    assert [record.line for record in records] == [2, 5]


def test_a_ragged_line_is_refused_and_the_rest_is_read():
    records = records_of("name,price\na\nb,2\nc,3,4\n")

    assert good(records) == [{"name": "b", "price": "2"}]
    assert refused(records) == {
        2: "has 1 column where the header has 2",
        4: "has 3 columns where the header has 2",
    }


def test_a_quote_that_never_closes_costs_only_its_own_line():
    records = records_of('name,price\na,1\n"b,2\nc,3\nd,4\n')

    assert [fields["name"] for fields in good(records)] == ["a", "c", "d"]
    assert "quotes" in refused(records)[3]


def test_a_quote_closed_by_a_later_line_costs_only_its_own_line():
    records = records_of('name,price\n"b,2\n"c, d",3\ne,4\n')

    assert [fields["name"] for fields in good(records)] == ["c, d", "e"]
    assert list(refused(records)) == [2]


def test_an_inch_sign_within_a_word_is_text():
    assert good(records_of('name,price\n27" monitor,1\n')) == [
        {"name": '27" monitor', "price": "1"}
    ]


@pytest.mark.parametrize("format", [Format.CSV, Format.JSONL])
def test_a_wrong_byte_is_refused_with_its_line_and_place(format):
    lines = {
        Format.CSV: b"name,price\nR\xe4d,1\nMug,2\n",
        Format.JSONL: b'{}\n{"name": "R\xe4d"}\n{"name": "Mug", "price": "2"}\n',
    }

    records = records_of(lines[format], format)

    assert "byte 0xE4 at position" in refused(records)[2]
    assert "--encoding" in refused(records)[2]
    assert good(records)[-1] == {"name": "Mug", "price": "2"}


def test_a_wrong_byte_inside_a_quoted_text_refuses_the_whole_record():
    records = records_of(b'name,price\n"a\nb\xe4\nc",1\nd,2\n')

    assert list(refused(records)) == [2]
    assert good(records) == [{"name": "d", "price": "2"}]


def test_another_encoding_can_be_named():
    records = records_of("name,price\nRäd €,1\n".encode("cp1252"), encoding="cp1252")

    assert good(records) == [{"name": "Räd €", "price": "1"}]


@pytest.mark.parametrize("encoding", ["utf-16", "cp037", "nonsense", "base64"])
def test_an_encoding_without_ascii_lines_is_refused(encoding):
    with pytest.raises(SourceError, match="UTF-8"):
        source_of("", encoding=encoding)


def test_utf_16_is_recognised():
    with pytest.raises(SourceError, match="UTF-16"):
        source_of("name,price".encode("utf-16"))


class Endless(io.RawIOBase):
    """A file with one line of 200 MB between others; made while it is read."""

    def __init__(self, before, after):
        self.parts = [before, after]
        self.left = 200_000_000

    def readable(self):
        return True

    def readinto(self, buffer):
        size = len(buffer)
        if len(self.parts) == 2:
            data = self.parts.pop(0)
        elif self.left > 0:
            data = b"x" * size
            self.left -= size
        else:
            data = self.parts.pop() if self.parts else b""
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize(
    ("format", "before", "after"),
    [
        (Format.CSV, b"name,price\na,1\n", b"\nb,2\n"),
        (Format.CSV, b'name,price\na,1\n"', b'"\nb,2\n'),
        (Format.JSONL, b'{"name":"a"}\n"', b'"\n{"name":"b"}\n'),
    ],
    ids=["csv", "quoted", "jsonl"],
)
def test_a_line_of_200_mb_is_refused_in_little_memory(format, before, after):
    tracemalloc.start()

    records = records_of(Endless(before, after), format)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [fields["name"] for fields in good(records)] == ["a", "b"]
    [reason] = refused(records).values()
    assert reason.startswith("the line has 200,")
    assert peak < 8 * MAX_RECORD_BYTES


def test_a_huge_item_ends_the_reading_of_a_json_array_in_little_memory():
    source = source_of(Endless(b'[{"name":"a"},"', b'"]'), Format.JSON)
    records = read_records(source)
    tracemalloc.start()

    assert next(records).fields == {"name": "a"}
    with pytest.raises(SourceError, match="item 2 is larger than"):
        next(records)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MAX_RECORD_BYTES


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", "7", '{"a": 1} x', "[" * 100_000, '{"a": ' + "1" * 5000 + "}"],
    ids=["cut", "array", "number", "more", "deep", "long number"],
)
def test_a_line_that_is_not_a_json_object_is_refused(line):
    records = records_of(line + '\n{"name": "b"}\n', Format.JSONL)

    assert list(refused(records)) == [1]
    assert good(records) == [{"name": "b"}]


def test_broken_json_ends_the_reading_of_an_array_after_its_good_items():
    records = read_records(source_of('[{"name": "a"}, {"name": }]', Format.JSON))

    assert next(records).fields == {"name": "a"}
    with pytest.raises(SourceError, match="broken JSON after item 1"):
        next(records)


def test_an_item_that_is_not_an_object_is_refused():
    records = records_of('[1, {"name": "a"}]', Format.JSON)

    assert list(refused(records)) == [1]
    assert good(records) == [{"name": "a"}]


def test_a_json_object_is_not_a_catalogue():
    with pytest.raises(SourceError, match="not a JSON array"):
        records_of('{"products": []}', Format.JSON)


def test_semicolons_are_recognised_and_can_be_chosen():
    with pytest.raises(SourceError, match="--delimiter"):
        records_of("name;price\na;1\n")

    assert good(records_of("name;price\na;1\n", delimiter=";"))


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(SourceError, match="two columns named name"):
        records_of("name,price,Name\n")


class Failing(io.BytesIO):
    """A file on a disk or network that fails after its first bytes."""

    def readinto(self, buffer):
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().readinto(buffer)


def test_a_failing_disk_ends_the_reading_after_the_good_lines():
    data = b"name,price\n" + b"a,1\n" * 400_000
    records = read_records(source_of(Failing(data)))

    with pytest.raises(SourceError, match=r"cannot be read after line \d+: .*Input"):
        count = 0
        for count, _ in enumerate(records, 1):  # noqa: B007
            pass

    assert count > 100_000


def test_a_gzip_file_that_was_cut_off_ends_the_reading():
    data = gzip.compress(b"name,price\n" + b"abc,1\n" * 1000)[:-20]

    with pytest.raises(SourceError, match="cannot be read after line"):
        records_of(data)


def test_a_file_that_changes_while_it_is_read_is_not_complete(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,price\n" + "a,1\n" * 10)

    with open_source(str(path)) as source:
        records = read_records(source)
        next(records)
        path.write_text("name,price\na,1\n")

        with pytest.raises(SourceError, match="changed while it was being read"):
            list(records)


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,price\n" + "a,1\n" * 10)

    with open_source(str(path)) as source:
        records = read_records(source)
        path.unlink()

        assert len(list(records)) == 10


@pytest.mark.parametrize("name", ["missing.csv", "folder.csv"])
def test_a_file_that_cannot_be_opened_says_why(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()

    with (
        pytest.raises(SourceError, match="No such file|directory"),
        open_source(str(tmp_path / name)),
    ):
        pass
