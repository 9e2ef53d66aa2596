"""Synonyms from a file and to one: all of it is good, or nothing is stored."""

import io

import pytest

from products.catalog import synonym_files
from products.catalog.reading.source import Format, Source, SourceError
from products.catalog.synonym_files import export_synonyms, read_synonyms, store
from products.models import Product, Synonym
from products.search import search

pytestmark = pytest.mark.django_db


def read(text, format=Format.CSV, **options):
    raw = text if isinstance(text, bytes) else text.encode()
    return read_synonyms(
        Source(name="synonyms.csv", format=format, raw=io.BytesIO(raw)), **options
    )


def stored():
    return [(row.words, row.finds) for row in Synonym.objects.order_by("pk")]


@pytest.mark.parametrize(
    "text",
    [
        'words,finds\n"sofa, couch",\ntv,television\n',
        '\ufeffWords, Finds\r\n" sofa ,couch ",""\r\ntv,television\r\n,\r\n',
        "words;finds\nsofa, couch;\ntv;television\n",
        "finds,words\n,\"sofa, couch\"\ntelevision,tv\n",
        'sep=;\nwords;finds\n"sofa, couch";\ntv;television',
        'words,finds\n"sofa, couch",\ntv,television\n'.encode("utf-16"),
    ],
    ids=["plain", "mark, CRLF, blanks", "semicolons", "order", "sep=", "UTF-16"],
)  # fmt: skip
def test_a_file_is_read(text):
    found = read(text)

    assert [tuple(entry) for entry in found.new] == [
        (["sofa", "couch"], []),
        (["tv"], ["television"]),
    ]
    assert not found.refused


def test_the_second_column_may_be_missing():
    assert [tuple(entry) for entry in read('words\n"sofa, couch"\n').new] == [
        (["sofa", "couch"], [])
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("sofa,", "Name at least two words, or what the word also finds."),
        ("sofa,sofas", "“sofas” would find itself. Leave it out on one side."),
        ('"sofa,,couch",', "A word is missing: there is a comma too many."),
        (",tv", "Name at least one word."),
        ("sofa,couch,settee", "has 3 columns where the header has 2"),
        ('"a\0b",tv', "A text cannot contain a NUL character."),
        ('"couch, sofa, sofa bed",', "the same synonyms are in line 2"),
    ],
)
def test_a_line_is_refused_by_its_number(line, reason):
    found = read(f'words,finds\n"sofa bed, Sofas, couch",\n{line}\n')

    assert [(r.line, r.reason) for r in found.refused] == [(3, reason)]
    with pytest.raises(ValueError, match="refused"):
        store(found)
    assert stored() == []


@pytest.mark.parametrize(
    ("text", "format", "message"),
    [
        ("a,b\n1,2\n", Format.CSV, "needs the columns words and finds"),
        ("words,finds,x\n1,2,3\n", Format.CSV, "It has: words, finds, x."),
        ("", Format.CSV, "needs the columns words and finds"),
        ("[]", Format.JSON, "Synonyms are read from CSV and TSV."),
    ],
)
def test_another_file_is_no_file_of_synonyms(text, format, message):
    with pytest.raises(SourceError, match=message):
        read(text, format)


def test_a_file_has_only_so_many_words(monkeypatch):
    monkeypatch.setattr(synonym_files, "MOST_WORDS", 3)

    with pytest.raises(SourceError, match="more than 3 words. Leave some out"):
        read("words,finds\na1,b1\na2,b2\n")


def test_a_file_and_what_is_stored_have_only_so_many_words(monkeypatch):
    monkeypatch.setattr("products.search.synonym_entries.MOST_WORDS", 4)
    Synonym(words=["sofa", "couch"]).save()
    text = 'words,finds\ntv,television\nlift,"elevator"\n'

    with pytest.raises(SourceError) as error:
        read(text)

    assert str(error.value) == (
        "synonyms.csv: All synonyms together may have 4 words; with these they would "
        "have 6. Delete some that nobody searches for."
    )
    assert len(read(text, delete_missing=True).new) == 2


def test_a_stored_file_counts_at_once_and_twice_changes_nothing():
    Product(name="Television", price=1).save()
    text = "words,finds\ntv,television\n"
    assert not search("tv", mode="keyword").hits
    store(read(text))

    again = read("words,finds\nTV,televisions\n")
    store(again)

    assert len(search("tv", mode="keyword").hits) == 1
    assert (again.new, again.unchanged) == ([], 1)
    assert stored() == [(["tv"], ["television"])]


def test_what_is_missing_is_deleted_when_asked():
    store(read('words,finds\n"sofa, couch",\ntv,television\n'))

    found = read("words,finds\ntv,television\nlift,elevator\n")
    store(found)
    assert len(stored()) == 3
    store(read("words,finds\ntv,television\nlift,elevator\n"), delete_missing=True)

    assert stored() == [(["tv"], ["television"]), (["lift"], ["elevator"])]


def test_an_export_is_read_back_without_a_change():
    Synonym(words=["cell phone", 'say "hi"'], finds=["mobile", "a;b"]).save()
    Synonym(words=["sofa", "Küchensofa"]).save()
    file = io.BytesIO()

    assert export_synonyms(file) == 2
    found = read(file.getvalue())

    assert (found.new, found.unchanged, found.missing) == ([], 2, [])
    assert file.getvalue().decode().splitlines()[0] == "words,finds"
