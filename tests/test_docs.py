"""README.md and docs agree with the code: commands, snippets, settings and links."""

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from functools import cache
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from pgvector.django import VectorField

from products.models import Product
from tests.search_log.logs import clicked, searched

ROOT = Path(settings.BASE_DIR)
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
}
DOCS = "\n".join(PAGES[page] for page in PAGES if page.startswith("docs/"))
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SETTINGS = (ROOT / "vectorshop" / "settings.py").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

APPS = ("vectorshop", "products")
# Django's own command, with another message: it has nothing of its own to explain.
REPLACED = {"loaddata"}
COMMANDS = sorted(
    name for name, app in get_commands().items() if app in APPS and name not in REPLACED
)
VARIABLES = sorted(set(re.findall(r'(?:env_\w+|environ\.get)\(\s*"(\w+)"', SETTINGS)))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, without the indent of its fence."""

    page: str
    language: str
    text: str

    def __str__(self):
        return f"{self.page}: {self.text.splitlines()[0]}"


FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(*languages):
    return [
        Block(page, language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for page, source in PAGES.items()
        for indent, language, text in FENCE.findall(source)
        if language in languages
    ]


def prose(page):
    """The text of a page without its fenced blocks."""
    return FENCE.sub("", PAGES[page])


def test_the_lists_are_not_empty():
    assert {"DB_HOST", "DEBUG", "SECRET_KEY", "EMBEDDING_BACKEND"} <= set(VARIABLES)
    assert {"demo", "similar", "embed_products"} <= set(COMMANDS)
    assert {"README.md", "CONTRIBUTING.md", "docs/README.md"} <= set(PAGES)


# The README and the index


def test_readme_stays_short():
    assert len(PAGES["README.md"].splitlines()) <= 150


def test_index_leads_to_every_page():
    pages = {Path(page).name for page in PAGES if page.startswith("docs/")}

    assert pages - {"README.md"} <= set(
        re.findall(r"\]\((\S+)\)", PAGES["docs/README.md"])
    )


# Links


def slugs(page):
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


LINKS = [
    (page, target)
    for page in PAGES
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page))
    if not re.match(r"https?:", target)
]


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_every_link_leads_somewhere(page, target):
    name, _, anchor = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page

    assert path.exists()
    if anchor:
        assert anchor in slugs(str(path.resolve().relative_to(ROOT)))


@pytest.mark.parametrize("page", PAGES)
def test_headings_are_followed_by_one_blank_line(page):
    lines = FENCE.sub("block", PAGES[page]).splitlines()

    for (heading, first), second in zip(pairwise(lines), lines[2:], strict=False):
        if heading.startswith("#"):
            assert (first, second != "") == ("", True), heading


# Files, and functions of files, that stand between backticks.
NAMED = [
    (page, *found)
    for page in PAGES
    for found in re.findall(
        r"`((?:products|vectorshop|templates|tests|benchmarks)/[\w./-]+)(?::(\w+))?`",
        prose(page),
    )
]


@pytest.mark.parametrize(("page", "path", "name"), NAMED)
def test_every_file_that_is_named_is_there(page, path, name):
    assert (ROOT / path).exists()
    if name:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE)


# "See ... in docs/..." in messages and comments of the code.
POINTERS = [
    (path.relative_to(ROOT), page, heading)
    for path in (*ROOT.glob("products/**/*.py"), *ROOT.glob("vectorshop/**/*.py"))
    for heading, page in re.findall(
        r'"([^"\n]+)" in ((?:docs/)?[\w-]+\.md)', path.read_text(encoding="utf-8")
    )
]


def test_pointers_of_the_code_lead_to_headings():
    assert POINTERS
    for path, page, heading in POINTERS:
        assert re.search(rf"^#+ {heading}$", PAGES[page], re.MULTILINE), path


# Settings

TABLE = re.findall(r"^\| (`.+?) \|", PAGES["docs/settings.md"], re.MULTILINE)
EXPLAINED = [name for row in TABLE for name in re.findall(r"`(\w+)`", row)]


def test_every_variable_is_read_in_a_way_this_test_sees():
    others = re.findall(r"environ(?!\.get\(|\.Env)[.\[]\w+|getenv", SETTINGS)

    assert others == []


def test_the_table_of_settings_is_the_code_s():
    assert Counter(EXPLAINED) == Counter(VARIABLES)


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_has_an_example(variable):
    assert re.search(rf"^#? ?{variable}=", EXAMPLE, re.MULTILINE)


def test_readme_names_only_variables_that_there_are():
    named = re.findall(r"^\| `(\w+)` \|", PAGES["README.md"], re.MULTILINE)

    assert named
    assert set(named) <= set(VARIABLES)


# Commands


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained(command):
    assert re.search(rf"\b{command}\b", DOCS)


@dataclass(frozen=True)
class Line:
    """A command line of a page, as a shell would split it."""

    page: str
    words: tuple[str, ...]

    def __str__(self):
        return f"{self.page}: {shlex.join(self.words)}"


def commands(text):
    """The simple commands of a text for a shell, without the variables set for them."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            del words[0]
        if words:
            yield tuple(words)


def in_prose(page):
    """The command lines of this project that stand between backticks."""
    for code in re.findall(r"`([^`]+)`", prose(page)):
        text = re.sub(r"\s+", " ", code).replace("\\", "/")
        if re.match(r"(\S*python )?manage\.py \w|\./azdeploy\.|make [a-z-]+", text):
            yield from commands(text)


FENCED = [
    Line(block.page, words)
    for block in blocks("bash", "powershell")
    for words in commands(block.text.replace(".venv\\Scripts\\", ".venv/bin/"))
]
LINES = [*FENCED, *(Line(page, words) for page in PAGES for words in in_prose(page))]
# What a reader puts another value for.
PLACEHOLDERS = {"PRINCIPAL_ID": "00000000-0000-0000-0000-000000000000"}


def managed(line):
    """The name of the command of manage.py that a line runs, and its arguments."""
    words = [PLACEHOLDERS.get(word, word) for word in line.words]
    if Path(words[0]).stem == "azdeploy":
        return "azdeploy", words[1:]
    if "manage.py" in words[:2]:
        name, *arguments = words[words.index("manage.py") + 1 :]
        return name, arguments
    return None


MANAGED = [line for line in LINES if managed(line)]
MADE = [line for line in LINES if line.words[0] == "make"]


@cache
def parser_of(name):
    command = load_command_class(get_commands()[name], name)
    return command.create_parser("manage.py", name)


def test_command_lines_are_found():
    assert len(MANAGED) > 50
    assert len(MADE) > 5


@pytest.mark.parametrize("line", MANAGED, ids=str)
def test_every_command_line_is_one_that_manage_py_takes(line):
    name, arguments = managed(line)
    only_named = not arguments and line not in FENCED

    assert name in get_commands()
    if not only_named and arguments != ["--help"]:
        parser_of(name).parse_args(arguments)  # raises CommandError


@pytest.mark.parametrize("line", MADE, ids=str)
def test_every_target_is_in_the_makefile(line):
    targets = [word for word in line.words[1:] if "=" not in word]
    variables = [word.split("=")[0] for word in line.words[1:] if "=" in word]

    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    for variable in variables:
        assert re.search(rf"^{variable} \?=", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("line", FENCED, ids=str)
def test_every_program_of_the_project_is_there(line):
    for word in line.words:
        if re.fullmatch(r"(\./)?\w+(/\w+)*\.(py|sh|ps1)|requirements.*\.txt", word):
            assert (ROOT / word).is_file() or word == "./.env.ps1"


BENCHMARKS = [line for line in FENCED if "benchmarks/" in " ".join(line.words)]


@pytest.mark.parametrize("line", BENCHMARKS, ids=str)
def test_every_option_of_a_benchmark_is_in_its_source(line):
    sources = [
        (ROOT / line.words[1]).read_text(encoding="utf-8"),
        (ROOT / "benchmarks" / "large_catalogue.py").read_text(encoding="utf-8"),
    ]

    for word in line.words[2:]:
        if word.startswith("--"):
            assert any(f'"{word}"' in source for source in sources)


# Command lines that run here: quickly, with ten products, and in a transaction.
SAFE = {
    "calibrate",
    "check",
    "evaluate_search",
    "export_products",
    "export_search_log",
    "import_products",
    "loaddata",
    "search",
    "similar",
    "trim_search_log",
}
RUN = [
    line
    for line in dict.fromkeys(FENCED)
    if (found := managed(line))
    and (found[0] in SAFE or found == ("embed_products", []))
]


@pytest.fixture
def files(samples, tmp_path, monkeypatch):
    """What the documentation's commands read: files in the current folder, and a click."""
    monkeypatch.chdir(tmp_path)
    call_command("embed_products", stdout=StringIO(), stderr=StringIO())
    for name in ("products.csv", "all.jsonl.gz"):
        call_command("export_products", name, stdout=StringIO())
    text = "title;price;text\nKlavierbank;99.00;Höhenverstellbar\n"
    Path("stock.csv").write_text(text, encoding="cp1252")
    Path("shopify.csv").write_text("Handle,Title,Variant Price\nbench,Bench,99.00\n")
    Path("queries.tsv").write_text("1\twireless headphones\n")
    Path("judgements.tsv").write_text("1\twireless-bluetooth-headphones\t3\n")
    sku = "wireless-bluetooth-headphones"
    clicked(searched("headphones", skus=[sku]), sku, 1)


def test_safe_commands_are_found():
    assert {managed(line)[0] for line in RUN} == {*SAFE, "embed_products"}


@pytest.mark.parametrize("line", RUN, ids=str)
def test_safe_commands_run(files, line):
    name, arguments = managed(line)

    call_command(name, *arguments, stdout=StringIO(), stderr=StringIO())


# Python

SNIPPETS = blocks("python")


def test_snippets_are_found():
    assert len(SNIPPETS) > 2


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_every_snippet_runs(samples, snippet):
    exec(compile(snippet.text, snippet.page, "exec"), {"__name__": "snippet"})


QUERIES = [
    query
    for block in blocks("sql")
    for query in re.sub(r"^\\.*\n", "", block.text, flags=re.MULTILINE).split(";")
    if query.strip()
]


def test_queries_are_found():
    assert QUERIES


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_runs(samples, query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetchall()


def test_the_snippet_for_another_dimension_migrates(samples):
    [snippet] = [found for found in SNIPPETS if "operations = [" in found.text]
    names = {}
    exec(compile(snippet.text, snippet.page, "exec"), names)
    column = VectorField(dimensions=256, null=True, blank=True, editable=False)
    alter = migrations.AlterField("product", "embedding", column)
    migration = migrations.Migration("dimensions_256", "products")
    migration.operations = [*names["operations"], alter]

    with connection.schema_editor() as editor:
        migration.apply(MigrationLoader(connection).project_state(), editor)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'products'::regclass AND attname = 'embedding'"
        )
        assert cursor.fetchone() == ("vector(256)",)
    assert not Product.objects.filter(embedding__isnull=False).exists()
