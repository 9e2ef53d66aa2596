"""install.py, which `make demo` runs first: what it says when it cannot go on."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import install

# Python finds its packages by the path of its program.
LIBRARY = Path(sys.prefix)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project whose .venv is that of the tests, and a pip without network."""
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / "locks").mkdir()
    return tmp_path


def require(project, *names):
    """Write requirements and their lock, in which no hash is a true one."""
    listed = "# Tests\n\n" + "".join(f"{name}\n" for name in names)
    (project / "requirements.txt").write_text(listed)
    locked = "".join(
        f"{name}=={version_of(name)} --hash=sha256:{64 * '0'}\n" for name in names
    )
    (project / "locks" / "requirements.txt").write_text(locked)


def version_of(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "1.0"


@pytest.fixture
def venv(project):
    if not (LIBRARY / "pyvenv.cfg").exists():
        pytest.skip("The tests do not run in an environment of their own.")
    venv = project / ".venv"
    venv.mkdir()
    shutil.copy(LIBRARY / "pyvenv.cfg", venv)
    for name in ("bin", "lib"):
        (venv / name).symlink_to(LIBRARY / name)
    return venv


def test_a_python_that_is_too_old_is_told_what_to_do(monkeypatch, capfd):
    monkeypatch.setattr(install, "LEAST", (9, 9))

    assert install.main(["requirements.txt"]) == 1
    says = capfd.readouterr().err
    assert f"VectorShop needs Python 9.9 or newer; {sys.executable} is 3." in says
    assert "make demo PYTHON=python9.9" in says


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_that_makes_no_environment_is_told_what_to_do(
    monkeypatch, capfd, module
):
    monkeypatch.setitem(sys.modules, module, None)

    assert install.main(["requirements.txt"]) == 1
    says = capfd.readouterr().err
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"has no module {module}" in says
    assert f"sudo apt install python{version}-venv" in says


def test_a_folder_that_cannot_be_written_is_told(project, monkeypatch, capfd):
    (project / "requirements.txt").write_text("pytest\n")
    (project / "file").touch()
    monkeypatch.setattr(install, "VENV", project / "file" / ".venv")

    assert install.main(["requirements.txt"]) == 1
    says = capfd.readouterr().err
    assert f"Nothing can be written into {project}" in says
    assert "Copy the project into a folder of your own" in says


def test_each_step_is_told(project, venv, capfd):
    require(project, "iniconfig", "pluggy")

    assert install.main(["requirements.txt"]) == 0
    said, complaints = capfd.readouterr()
    steps = [
        f"Installing into {venv}: the 2 packages of requirements.txt",
        "this downloads about 130 MB",
        "Step 1 of 2",
        "Step 2 of 2",
        "Everything is installed.",
    ]
    places = [said.index(step) for step in steps]
    assert places == sorted(places)
    assert "already satisfied" not in said
    assert (venv / "installed").exists()
    assert complaints == ""


@pytest.mark.usefixtures("venv")
def test_a_package_that_is_not_the_locked_one_is_refused(project, capfd):
    name = "hashed"
    wheel = project / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        info = f"{name}-1.0.dist-info"
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        file.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{info}/RECORD", "")
    require(project, name)

    assert install.main(["requirements.txt"]) == 1
    says = capfd.readouterr()
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in says.out + says.err
    assert not (project / ".venv" / "installed").exists()


@pytest.mark.usefixtures("project")
def test_pips_own_lines_are_shown(capfd):
    lines = [
        "Collecting a",
        "Requirement already satisfied: b",
        "Ignoring c: markers 'sys_platform == \"win32\"' don't match your environment",
        "Downloading a (8 MB)",
    ]
    program = f"import sys; print({chr(10).join(lines)!r}); sys.exit(3)"

    assert install.run_pip([sys.executable, "-c", program]) == 3
    assert capfd.readouterr().out == "Collecting a\nDownloading a (8 MB)\n"


@pytest.mark.usefixtures("venv")
def test_without_network_pips_failure_ends_with_what_to_do(project, monkeypatch, capfd):
    require(project, "no-such-package-of-vectorshop")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")

    assert install.main(["requirements.txt"]) == 1
    says = capfd.readouterr().err
    assert "http://127.0.0.1:9/simple does not answer: " in says
    assert "set HTTPS_PROXY to your proxy, or PIP_INDEX_URL to a mirror" in says
    assert not (project / ".venv" / "installed").exists()


def test_make_names_a_python_that_is_not_there(tmp_path):
    if not shutil.which("make"):
        pytest.skip("make is not installed.")
    shutil.copy(install.ROOT / "Makefile", tmp_path)
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "requirements.txt").touch()

    result = subprocess.run(
        ["make", "demo", "PYTHON=python0"], cwd=tmp_path, capture_output=True, text=True
    )

    assert result.returncode == 2
    assert "python0 is not there. Install Python 3.11 or newer" in result.stdout
