"""The tests on each version of Python and Django that the shop runs on: `nox`.

`nox --list` shows them; `nox -s "tests(python='3.13', django='6.1')" -- tests/search` runs one
of them, on one room. nox skips a Python that is not installed, and says so.
"""

import nox

# Django 6 needs Python 3.12.
PYTHONS = {
    "5.2": ("3.11", "3.12", "3.13", "3.14"),
    "6.0": ("3.12", "3.13", "3.14"),
    "6.1": ("3.12", "3.13", "3.14"),
}
VERSIONS = [(python, django) for django in PYTHONS for python in PYTHONS[django]]

nox.options.envdir = ".data/nox"


@nox.session
@nox.parametrize("python,django", VERSIONS)
def tests(session, django):
    """Run the tests that need no browser; pages are the same on every version."""
    session.install("--require-hashes", "-r", "locks/requirements-dev.txt")
    # The newest of that line, among the other packages as they are locked.
    session.install(f"Django~={django}.0")
    session.run("python", "-m", "pytest", "-m", "not browser", *session.posargs)
