"""Vectors for the products of an import, made after its rows are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models.functions import Length

from products.catalog.changes import SeenSkus
from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import Product
from products.upkeep.pending import Failures, embed_again


@dataclass
class Embedder:
    """Embeds the products of a file as long as the backend can.

    problem: the last failure. A permanent failure ends the embedding, not the import:
    the products stay without vector, and a second import or `embed_products` makes it.
    """

    backend: BaseEmbeddingBackend
    using: str
    problem: str = ""
    broken: bool = field(default=False, init=False)

    def embed(self, seen: SeenSkus) -> Iterator[int]:
        """Yield how many products each batch gave a vector; each is a transaction.

        Embeds the products of the file whose vector is missing, stale or of another
        recipe. Texts of similar length share a batch, since the model pads all to the
        longest.
        """
        for skus in seen.chunks():
            pending = (
                Product.objects.using(self.using)
                .needs_embedding(self.backend.fingerprint)
                .filter(sku__in=skus)
                .order_by(Length("name") + Length("category") + Length("description"))
                .values_list("pk", flat=True)
            )
            ids, size = list(pending), self.backend.batch_size
            for start in range(0, len(ids), size):
                if self.broken:
                    return
                yield self.embed_batch(ids[start : start + size])

    def embed_batch(self, ids: Sequence[int]) -> int:
        failures = Failures()
        try:
            done = sum(embed_again(ids, using=self.using, failures=failures))
        except EmbeddingError as err:
            self.problem = str(err)
            self.broken = err.permanent
            return 0
        for reason in failures.reasons.values():
            self.problem = reason
        return done
