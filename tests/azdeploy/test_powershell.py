"""What is written in PowerShell can be parsed by it; where pwsh is, other tests run it."""

import re
import subprocess
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Parser

from vectorshop.azure import dotenv

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```powershell\n(.*?)^```", re.M | re.S)


def wrong_lines(script):
    """The numbers of the lines that PowerShell's grammar does not know, from 1."""
    parser = Parser(Language(tree_sitter_powershell.language()))
    nodes = [parser.parse(script.encode()).root_node]
    wrong = set()
    for node in nodes:
        if node.is_error or node.is_missing:
            wrong.add(node.start_point[0] + 1)
        nodes.extend(node.children)
    return sorted(wrong)


def tracked(pattern):
    found = subprocess.run(
        ["git", "ls-files", pattern], cwd=ROOT, capture_output=True, check=True
    )
    return found.stdout.decode().split()


EXAMPLES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in tracked("*.md")
    for number, block in enumerate(BLOCK.findall((ROOT / page).read_text("utf-8")), 1)
]


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("$x = 'a''b'\nif ($x) { exit 1 }\n", []),
        ("$x = 'a'\nif ($x) { exit 1\n", [2]),
        ("$x = @('a', 'b'\n", [1]),
        ("$env:DB_USER = 'o'brien'\n", [1]),
    ],
)
def test_the_parser_tells_what_is_wrong(script, lines):
    assert wrong_lines(script) == lines


@pytest.mark.parametrize("script", tracked("*.ps1"))
def test_the_scripts_are_powershell(script):
    assert wrong_lines((ROOT / script).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("block", EXAMPLES)
def test_the_examples_are_powershell(block):
    assert wrong_lines(block) == []


@pytest.mark.parametrize(
    "user", ["o'brien@example.org", 'say "hi"', "`id`", "$(touch x)", "a#b"]
)
def test_the_settings_that_azdeploy_writes_are_powershell(tmp_path, user):
    dotenv.write(tmp_path, {"DB_HOST": "h.example", "DB_USER": user})

    assert wrong_lines((tmp_path / ".env.ps1").read_text(encoding="utf-8")) == []


def test_there_are_scripts_and_examples():
    assert tracked("*.ps1") == ["azdeploy.ps1", "infra/hooks/set_up.ps1"]
    assert len(EXAMPLES) == 2
