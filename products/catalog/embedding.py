"""Vectors for the rows of an import, made in batches while the file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from products.catalog.changes import Change
from products.catalog.rows import VECTOR_HEADER
from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.embeddings.text import embedding_text


@dataclass
class Embedder:
    """Embeds rows as long as the backend can.

    problem: the last failure. A permanent failure ends the embedding, not the import:
    rows are then stored without a vector, which `embed_products` can make later.
    """

    backend: BaseEmbeddingBackend
    problem: str = ""
    broken: bool = field(default=False, init=False)

    def embed(self, changes: Sequence[Change]) -> Iterator[int]:
        """Yield how many rows each batch gave a vector; rows that have one keep it.

        Texts of similar length share a batch, since the model pads all to the longest.
        """
        texts = [
            (embedding_text(row.name, row.category, row.description), change)
            for change in changes
            if change.embed and (row := change.row).vector is None
        ]
        texts.sort(key=lambda item: len(item[0]))
        size = self.backend.batch_size
        for start in range(0, len(texts), size):
            if self.broken:
                return
            yield self.embed_batch(texts[start : start + size])

    def embed_batch(self, batch: Sequence[tuple[str, Change]]) -> int:
        try:
            vectors = self.backend.embed([text for text, _ in batch])
        except EmbeddingError as err:
            self.problem = str(err)
            self.broken = err.permanent
            return 0
        for vector, (_, change) in zip(vectors, batch, strict=True):
            change.row.vector = VECTOR_HEADER + vector.astype(">f4").tobytes()
        return len(batch)
