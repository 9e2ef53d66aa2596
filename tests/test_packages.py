"""pyproject.toml and the files for pip name the same packages."""

import tomllib
from pathlib import Path

from django.conf import settings
from packaging.requirements import Requirement

ROOT = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def packages(lines):
    return sorted(
        str(Requirement(line))
        for line in lines
        if line.strip() and not line.startswith(("#", "-"))
    )


def packages_of(name):
    return packages((ROOT / name).read_text(encoding="utf-8").splitlines())


def test_the_project_depends_on_what_pip_installs():
    dependencies = PROJECT["project"]["dependencies"]

    assert packages(dependencies) == packages_of("requirements.txt")


def test_the_groups_are_what_developers_install():
    groups = PROJECT["dependency-groups"].values()

    assert packages(sum(groups, [])) == packages_of("requirements-dev.txt")
