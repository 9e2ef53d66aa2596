"""Records out of catalogue files: formats, and everything that can be wrong in one."""

import codecs
import gzip
import io
import json
import tracemalloc

import pytest

from products.catalog.reading import json_records
from products.catalog.reading.notices import Notice
from products.catalog.reading.records import Record, Refusal, read_records
from products.catalog.reading.source import (
    MAX_RECORD_BYTES,
    Format,
    Source,
    SourceError,
    format_of,
    open_source,
)
from products.catalog.reading.tables import Quoting, Table


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
        (Format.TSV, '"name"\t"price"\nMug\t1\n"Räd, \n2"\t2'),
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


@pytest.mark.parametrize("encoding", ["cp037", "nonsense", "base64"])
def test_an_encoding_without_ascii_lines_is_refused(encoding):
    with pytest.raises(SourceError, match="UTF-8"):
        source_of("", encoding=encoding)


TEXT = 'name,price\nRäd 🚲,1\n"a\nb",2\n'
FIELDS = [{"name": "Räd 🚲", "price": "1"}, {"name": "a\nb", "price": "2"}]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_utf_16_and_utf_32_are_recognised_by_their_mark(mark, encoding, pack):
    assert good(records_of(pack(mark + TEXT.encode(encoding)))) == FIELDS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised_and_can_be_named(encoding):
    assert good(records_of(TEXT.encode(encoding))) == FIELDS
    assert good(records_of(TEXT.encode(encoding), encoding=encoding)) == FIELDS


def test_utf_16_may_be_longer_than_what_is_read_at_once():
    rows = "".join(f"Räd {number},1\n" for number in range(50_000))

    records = records_of(("name,price\n" + rows).encode("utf-16"))

    assert len(good(records)) == 50_000
    assert good(records)[-1] == {"name": "Räd 49999", "price": "1"}


@pytest.mark.parametrize(
    ("broken", "refused_lines"),
    [(b"\x00\xd8", [2]), (b"", [3])],
    ids=["half a pair", "half a character at the end"],
)
def test_what_is_not_utf_16_costs_only_its_own_line(broken, refused_lines):
    data = "name,price\nA".encode("utf-16") + broken + ",1\nB,2\n".encode("utf-16-le")
    data = data if broken else data[:-1]

    records = records_of(data)

    assert list(refused(records)) == refused_lines
    assert len(good(records)) == 1


def test_utf_16_json_is_read():
    data = json.dumps(TWO_MUGS, ensure_ascii=False).encode("utf-16")

    assert good(records_of(data, Format.JSON)) == TWO_MUGS


# What spreadsheets write


def test_lines_may_end_with_cr_alone():
    records = records_of('name,price\rRäd,1\r"a\nb",2\r')

    assert good(records) == [
        {"name": "Räd", "price": "1"},
        {"name": "a\nb", "price": "2"},
    ]


def test_a_cr_inside_a_text_stays_where_lines_end_otherwise():
    assert good(records_of('name,price\r\n"a\rb",1\r\n')) == [
        {"name": "a\rb", "price": "1"}
    ]


@pytest.mark.parametrize("first", ["sep=;\r\n", "SEP=;\n", '"sep=;"\n'])
def test_a_first_line_may_name_the_separator(first):
    records = records_of(first + "name;price\na,b;1\n")

    assert good(records) == [{"name": "a,b", "price": "1"}]
    assert [record.line for record in records] == [3]


def test_the_delimiter_that_is_asked_for_comes_before_that_of_the_file():
    records = records_of("sep=;\nname|price\na;b|1\n", delimiter="|")

    assert good(records) == [{"name": "a;b", "price": "1"}]


@pytest.mark.parametrize("row", [",,", ", ,", " \u00a0,", ",,,,,"])
def test_rows_without_a_value_are_left_out(row):
    records = records_of(f"sku,name,price\nm1,a,1\n{row}\n{row}\n")

    assert [record.line for record in records] == [2]
    assert not refused(records)


# Quotes

BEST = 'sku\tname\tprice\tdescription\n1\tA\t1\t"Best ever\n2\tB\t2\tplain\n3\tC\t3\tquality"\n'


def read_tsv(text, quoting=Quoting.AUTO):
    table = Table(source_of(text, Format.TSV), quoting=quoting)
    records = list(table.records())
    return records, table.notices.found


@pytest.mark.parametrize("quoting", [Quoting.AUTO, Quoting.NONE])
def test_a_quote_in_tsv_is_a_character(quoting):
    records, notices = read_tsv(BEST, quoting)

    assert [fields["description"] for fields in good(records)] == [
        '"Best ever',
        "plain",
        'quality"',
    ]
    assert notices == {}


def test_quotes_in_tsv_enclose_when_that_is_asked_for_which_is_said():
    records, notices = read_tsv(BEST, Quoting.CSV)

    assert [fields["sku"] for fields in good(records)] == ["1"]
    assert notices == {Notice.SEVERAL_LINES: (1, 2)}


def test_quotes_around_the_names_of_columns_ask_for_it():
    records, notices = read_tsv('"name"\t"price"\n"a ""b"""\t1\n"c\nd"\t2\n')

    assert [fields["name"] for fields in good(records)] == ['a "b"', "c\nd"]
    assert notices == {Notice.SEVERAL_LINES: (1, 3)}


def test_quotes_that_are_kept_in_tsv_are_said():
    records, notices = read_tsv('name\tprice\na\t1\n"27"" screen"\t1\n"b"\t2\n')

    assert good(records)[1]["name"] == '"27"" screen"'
    assert notices == {Notice.QUOTES_KEPT: (2, 3)}


def test_a_text_over_several_lines_of_tsv_is_refused_as_a_whole():
    records, _ = read_tsv('name\tprice\n"a\nb\nc"\t1\n"d\ne\t2\n')

    assert good(records) == [{"name": "e", "price": "2"}]
    assert list(refused(records)) == [2, 5]
    assert "several lines: pass --quoting csv" in refused(records)[2]
    assert records[0].raw == '"a\nb\nc"\t1\n'
    assert refused(records)[5] == "has 1 column where the header has 2"


def test_quoting_none_takes_the_quotes_of_csv_for_text():
    table = Table(source_of('name,price\n"a,1\nb",2\n'), quoting=Quoting.NONE)

    assert [fields["name"] for fields in good(table.records())] == ['"a', 'b"']


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


@pytest.mark.parametrize(
    ("text", "count", "reason"),
    [
        ('[{"name": "a"}, ]', 1, "an item is missing"),
        ('[{"name": "a"}, , {}]', 1, "an item is missing"),
        ('[{"name": "a"}', 0, "the file ends too early"),
        ('[{"name": "a"}] x', 1, "more follows the array"),
        ('[{"name": "a}]', 0, "the file ends too early"),
        ('[{"name": "a"}}', 0, "}"),
        ("", 0, "the file ends too early"),
    ],
)
def test_broken_json_says_where_and_why(text, count, reason):
    records = []

    with pytest.raises(SourceError) as caught:
        records += iter(read_records(source_of(text, Format.JSON)))

    assert f"broken JSON after item {count} ({reason})" in str(caught.value)


def test_json_items_may_be_split_anywhere(monkeypatch):
    monkeypatch.setattr(json_records, "READ_BYTES", 1)
    items = [{"a": 'x"]},\\"', "b": [1, [2]]}, {"name": "Räd 🚲\\"}, {}]

    assert good(records_of(json.dumps(items), Format.JSON)) == items
    assert good(records_of(" [ ] ", Format.JSON)) == []


@pytest.mark.parametrize("number", ["12345678901234567890", "-9e99", "1e999"])
def test_a_number_that_is_too_large_for_c_is_no_matter(number):
    text = f'[{{"name": "a", "id": {number}}}, {{"name": "b"}}]'

    records = records_of(text, Format.JSON)

    assert [fields["name"] for fields in good(records)] == ["a", "b"]


def test_a_number_of_5000_digits_costs_only_its_own_item():
    text = f'[{{"id": {"1" * 5000}}}, {{"name": "b"}}]'

    records = records_of(text, Format.JSON)

    assert list(refused(records)) == [1]
    assert good(records) == [{"name": "b"}]


def test_a_wrong_byte_costs_only_its_own_item():
    records = records_of(b'[{"name": "R\xe4d"}, {"name": "b"}]', Format.JSON)

    assert "byte 0xE4 at position 12" in refused(records)[1]
    assert good(records) == [{"name": "b"}]


DEEP = {
    "arrays": "[" * 200_000,
    "objects": "[" + '{"a":' * 200_000,
    "after good items": '[{"name": "a"}, ' + "[" * 200_000,
    "closed": "[" * 100_000 + "]" * 100_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_json_is_refused_before_it_takes_memory(text):
    tracemalloc.start()

    with pytest.raises(SourceError, match="nests deeper than 20 levels"):
        records_of(text, Format.JSON)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_deep_line_of_json_lines_is_refused_alone():
    lines = ["[" * 200_000, '{"name": "a"}']

    records = records_of("\n".join(lines), Format.JSONL)

    assert refused(records)[1].startswith("nests lists or objects too deeply")
    assert good(records) == [{"name": "a"}]


def test_brackets_inside_a_text_do_not_nest():
    items = [{"name": "[" * 100 + '\\"{' * 100}]

    assert good(records_of(json.dumps(items), Format.JSON)) == items


def test_an_item_that_is_not_an_object_is_refused():
    records = records_of('[1, {"name": "a"}]', Format.JSON)

    assert list(refused(records)) == [1]
    assert good(records) == [{"name": "a"}]


@pytest.mark.parametrize("text", ['{"products": []}', " " * 100 + "{}", "7 [1]"])
def test_a_json_object_is_not_a_catalogue(text):
    with pytest.raises(SourceError, match="not a JSON array"):
        records_of(text, Format.JSON)


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


ROW = "sku,name,description,price\n"


@pytest.mark.parametrize(
    ("text", "swallowed"),
    [
        ('1,Mug,"Red, big\nfor tea, milk\n and more",2\n', False),
        ('1,Mug,"Red, big\nblue, c",2\n', False),
        ('1,Mug,"Red\na, b, c, d\nblue",2\n', False),
        ('1,Mug,"Red, big\na, b, c, d\nblue",2\n', True),
        ('1,"Mug, red,,2\n2,Cup,,3\n3,"Vase",,4\n', None),  # the quotes do not fit
        ('1,"Mug,,2\n3,Vase",,4\n', True),
        ('1,"Mug,,2\n"2",""Cup"",,4\n', None),
    ],
)
def test_a_line_inside_quotes_that_looks_like_a_row(text, swallowed):
    records = records_of(ROW + text)

    if swallowed is False:
        assert [record["sku"] for record in good(records)] == ["1"]
    else:
        assert isinstance(records[0], Refusal)
    assert ("not closed on its line" in str(refused(records))) is bool(swallowed)


def test_quoting_csv_takes_lines_that_look_like_rows_as_text():
    text = ROW + '1,Mug,"Red, big\na, b, c, d\nblue",2\n'

    [record] = read_records(source_of(text), quoting=Quoting.CSV)

    assert record.fields["description"] == "Red, big\na, b, c, d\nblue"


def test_the_mark_of_utf_8_is_believed_before_an_encoding():
    data = codecs.BOM_UTF8 + "name,price\nRäd,1\n".encode()

    assert good(records_of(data, encoding="cp1252")) == [{"name": "Räd", "price": "1"}]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["", "mark"])
def test_utf_8_with_a_mark_is_an_encoding(mark):
    data = mark + "name,price\nRäd,1\n".encode()

    records = records_of(data, encoding="utf-8-sig")

    assert good(records) == [{"name": "Räd", "price": "1"}]


def test_a_cell_may_be_as_long_as_a_record():
    cell = "a" * 900_000

    assert good(records_of(f"name,price\n{cell},1\n")) == [{"name": cell, "price": "1"}]
