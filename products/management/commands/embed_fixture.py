"""`manage.py embed_fixture`: put real embeddings into a fixture of products."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from products.embeddings import BaseEmbeddingBackend, EmbeddingError, get_backend
from products.embeddings.text import embedding_text, text_hash
from products.management.base import ShopCommand

# Six digits keep the cosine distance to 1e-6; float32 printed whole is twice as long.
DIGITS = 6


class Command(ShopCommand):
    expected = (EmbeddingError,)
    help = (
        "Embed the products of JSON fixtures and write the vectors into the files. "
        "Only what is missing or stale changes: a second run leaves the same bytes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files", nargs="+", type=Path, help="The fixtures to embed."
        )

    def handle(self, *, files: list[Path], **options: Any) -> None:
        for path in files:
            count = embed_file(path)
            self.stdout.write(f"{path}: embedded {count} products.")


def embed_file(path: Path) -> int:
    """Embed the products of a fixture that need it and return how many there were."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
        backend = get_backend()
        count = sum(embed_item(item["fields"], backend) for item in items)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise CommandError(f"{path} is not a fixture of products: {err!r}") from err
    if count:
        path.write_text(to_json(items), encoding="utf-8")
    return count


def embed_item(fields: dict[str, Any], backend: BaseEmbeddingBackend) -> bool:
    """Embed one product of a fixture if it needs it and return whether it did."""
    columns = (fields["name"], fields["category"], fields["description"])
    origin = {
        "embedding_fingerprint": backend.fingerprint,
        "embedded_hash": text_hash(*columns),
    }
    if "embedding" in fields and origin.items() <= fields.items():
        return False
    # One text at a time: padding to others in a batch would move the last digits.
    text = embedding_text(*columns)
    [vector] = backend.embed_known([text])
    if vector is None:
        raise CommandError(f"{backend.model} knows no word of {text!r}. Change it.")
    fields.update(origin)
    fields["embedding"] = [round(float(value), DIGITS) for value in vector]
    return True


def to_json(items: list[dict[str, Any]]) -> str:
    """Return a fixture as text: one line for each column, so that diffs read well."""
    vectors: list[str] = []

    def keep_on_one_line(item: dict[str, Any]) -> dict[str, Any]:
        fields = dict(item["fields"])
        vectors.append(json.dumps(fields["embedding"]))
        fields["embedding"] = f"@{len(vectors) - 1}@"
        return {**item, "fields": fields}

    text = json.dumps(
        [keep_on_one_line(item) for item in items], indent=2, ensure_ascii=False
    )
    for number, vector in enumerate(vectors):
        text = text.replace(f'"@{number}@"', vector, 1)
    return text + "\n"
