"""The shop's image: named after what goes into it, and built by Azure's registry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from vectorshop.azure.cli import Az
from vectorshop.azure.resources import Names

REPOSITORY = "vectorshop"
LABEL_DIGITS = 12
CACHES = ("__pycache__",)


def label(project: Path) -> str:
    """Return 12 hex digits that stand for the files of which the image is made."""
    digest = hashlib.sha256()
    for path in sorted(context(project)):
        name = path.relative_to(project).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()[:LABEL_DIGITS]


def context(project: Path) -> Iterator[Path]:
    """Yield the files that .dockerignore lets in, and the Dockerfile.

    .dockerignore leaves everything out but what its lines with "!" name.
    """
    yield project / "Dockerfile"
    for line in (project / ".dockerignore").read_text().splitlines():
        if not line.startswith("!"):
            continue
        for found in project.glob(line[1:].strip()):
            inside = found.rglob("*") if found.is_dir() else [found]
            for path in inside:
                if path.is_file() and not set(CACHES) & set(path.parts):
                    yield path


def build(az: Az, names: Names, reference: str, project: Path) -> None:
    """Let the registry build the image *reference* from the project's folder."""
    az.change(
        *("acr", "build", "--registry", names.registry),
        *("--resource-group", names.group, "--image", reference),
        *("--platform", "linux/amd64", "--no-logs", str(project)),
        what="Building the image, usually 3 to 6 minutes",
        done=f"Image {reference} built",
    )
