"""Make .venv and install packages into it: `python3 install.py requirements.txt`.

Needs nothing but Python, and a Python older than the shop's can read it, to be refused.
"""

import argparse
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LEAST = (3, 11)
STAMPS = {
    "requirements.txt": "installed",
    "requirements-dev.txt": "installed-dev",
    "requirements-bench.txt": "installed-bench",
}


class InstallError(Exception):
    """Why nothing could be installed; the message says what to do next."""


def main(names):
    """Install the packages of some files of requirements; return the exit status."""
    try:
        require_python()
        for name in names:
            install(name)
    except InstallError as err:
        sys.stderr.write(f"\n{err}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Run it again: what is installed stays.\n")
        return 130
    return 0


def require_python():
    """Raise InstallError for a Python that is too old, or that can make no .venv."""
    least, here = (".".join(map(str, parts)) for parts in (LEAST, sys.version_info[:3]))
    if sys.version_info < LEAST:
        raise InstallError(
            f"VectorShop needs Python {least} or newer; {sys.executable} is {here}. "
            f"Install a newer one and name it: make demo PYTHON=python{least}"
        )
    try:
        import ensurepip  # noqa: F401 - Debian has it in a package of its own
        import venv  # noqa: F401
    except ImportError as err:
        raise InstallError(
            f"{sys.executable} has no module {err.name}, so it cannot make .venv. On "
            f"Debian and Ubuntu run: sudo apt install python{here.rpartition('.')[0]}-venv"
        ) from err


def install(name):
    """Install the packages of one file. Raises InstallError."""
    packages = count_packages(ROOT / name)
    say(
        f"Installing into {VENV}: the {packages} packages of {name} and what they need."
    )
    if name == "requirements.txt":
        say("The first time this downloads about 130 MB: a minute or two, as a rule.")
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    say("Step 1 of 2: Python's own environment ...")
    make_venv(python)
    say("Step 2 of 2: the packages; pip says what it downloads ...")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    # Its lock has the version and the hashes of every package; see `make locks`.
    lock = str(ROOT / "locks" / name)
    if run_pip([*map(str, pip), "--require-hashes", "-r", lock]):
        raise InstallError(index_trouble() + PIP_FAILED)
    (VENV / STAMPS[name]).touch()
    say("Everything is installed.")


PIP_FAILED = """\
pip could not install everything; its lines that begin with ERROR say why.
- Without a way to pypi.org: set HTTPS_PROXY to your proxy, or PIP_INDEX_URL to a mirror.
- Without any network: run `pip download -r locks/requirements.txt -d wheels` where there is one,
  copy the folder here, and set PIP_NO_INDEX=1 and PIP_FIND_LINKS=wheels.
- "No matching distribution" of one package alone: it has no wheel for this Python. Try
  another version of Python: make demo PYTHON=python3.12
- "No space left": make room; the packages take 520 MB.
Then run it again: what is installed stays."""


# What pip says of each package that it need not install.
QUIET = ("Requirement already satisfied", "Looking in ", "Ignoring ")


def run_pip(command):
    """Run pip and return its exit status. In a terminal it draws its own progress."""
    if sys.stdout.isatty():
        return subprocess.call(command)
    command = [*command, "--progress-bar", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip:
        for line in pip.stdout:
            if not line.startswith(QUIET):
                say(line.rstrip())
    return pip.returncode


def index_trouble():
    """Return that the index of packages does not answer, "" if it does."""
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    try:
        urllib.request.urlopen(index.rstrip("/") + "/pip/", timeout=20).close()
    except OSError as err:
        return f"{index} does not answer: {err}.\n"
    return ""


def make_venv(python):
    """Make .venv, unless it is there and works."""
    if subprocess_works([python, "-m", "pip", "--version"]):
        return
    try:
        VENV.mkdir(exist_ok=True)
    except OSError as err:
        raise InstallError(
            f"Nothing can be written into {ROOT} ({err.strerror}). Copy the project into "
            "a folder of your own, and run it there."
        ) from err
    if subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
        raise InstallError(
            f"Python could not make {VENV}; its message is above. Remove the folder, if "
            "it is there, and run it again."
        )


def subprocess_works(command):
    """Return whether a program is there and ends without an error."""
    try:
        return subprocess.call(list(map(str, command)), stdout=subprocess.DEVNULL) == 0
    except OSError:
        return False


def count_packages(path):
    """Return how many packages a file of requirements names."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(bool(line) and not line.startswith(("#", "-")) for line in lines)


def say(line):
    """Print a line at once, also into a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", nargs="+", choices=STAMPS, metavar="FILE")
    sys.exit(main(parser.parse_args().requirements))
