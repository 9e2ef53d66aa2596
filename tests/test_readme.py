"""README.md and .env.example name everything one can set or run."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SETTINGS = (ROOT / "vectorshop" / "settings.py").read_text(encoding="utf-8")

VARIABLES = sorted(set(re.findall(r'(?:env_\w+|environ\.get)\(\s*"(\w+)"', SETTINGS)))
APPS = ("vectorshop", "products")
# Django's own command, with another message: nothing of its own to tell.
REPLACED = {"loaddata"}
COMMANDS = sorted(
    name for name, app in get_commands().items() if app in APPS and name not in REPLACED
)


def test_the_lists_are_not_empty():
    assert {"DB_HOST", "DEBUG", "SECRET_KEY", "EMBEDDING_BACKEND"} <= set(VARIABLES)
    assert {"demo", "similar", "embed_products"} <= set(COMMANDS)


def test_every_variable_is_read_in_a_way_this_test_sees():
    others = re.findall(r"environ(?!\.get\(|\.Env)[.\[]\w+|getenv", SETTINGS)

    assert others == []


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_explained(variable):
    assert f"`{variable}`" in README
    assert re.search(rf"^#? ?{variable}=", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained(command):
    assert re.search(rf"\b{command}\b", README)
