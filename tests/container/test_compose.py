"""compose.yaml gives the shop's containers the settings that docs/container.md names."""

import re

import pytest
import yaml
from django.conf import settings

COMPOSE = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())
DOCS = (settings.BASE_DIR / "docs" / "container.md").read_text()


@pytest.mark.parametrize("service", ["web", "worker", "migrate"])
def test_a_container_of_the_shop_gets_all_settings_of_env(service):
    assert COMPOSE["services"][service]["env_file"] == [
        {"path": ".env", "required": False}
    ]


def test_where_the_database_is_does_not_come_from_env():
    said = re.search(r"how it is reached \(([^)]+)\)", DOCS)[1]

    fixed = {
        name
        for name, value in COMPOSE["services"]["web"]["environment"].items()
        if "${" not in value
    }
    assert fixed == set(re.findall(r"\w+", said))
