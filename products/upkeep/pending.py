"""The life of an embedding: which products need one, and how they get it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import EMBEDDING_FIELDS, EmbeddingRecipe, Product
from products.recipes import hold_recipe
from products.sql.sharding import locked
from products.upkeep.second_column import SecondEmbedding

TEXTS = 1_000  # that forget_unknown() reads at a time

Column = type[Product] | type[SecondEmbedding]
Row = Product | SecondEmbedding


@dataclass
class Failures:
    """The texts that could not be embedded, so that nobody tries them over and over.

    A text is known by its hash: as soon as somebody changes it, it is tried again.
    """

    reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, fingerprint: str, row: Row, error: EmbeddingError) -> None:
        """Note that the text of *row* failed."""
        key = (fingerprint, row.current_text_hash())
        self.reasons[key] = f"{row.sku}: {error}"

    def hashes(self, fingerprint: str) -> list[str]:
        """Return the hashes of the texts that failed with a recipe."""
        return [text for recipe, text in self.reasons if recipe == fingerprint]


def embed_pending(
    *, using: str | None = None, failures: Failures | None = None
) -> Iterator[int]:
    """Embed the products that need it and yield how many each batch embedded.

    While `migrate_embeddings` fills the second column, that is kept up as well. A
    batch is one transaction: stopped at any point, what was yielded stays and the
    next run goes on. Several processes may run at once: each locks its rows and
    skips those of the others (SKIP LOCKED).

    A text of which the model knows no word counts as embedded, and has no vector.
    A text that cannot be embedded is left out and added to *failures*; texts that are
    in *failures* already are not tried. Raises EmbeddingError when the backend itself fails; the
    batch at hand is then left as it was.
    """
    failures = Failures() if failures is None else failures
    yield from embed_column(Product, using=using, failures=failures)
    if EmbeddingRecipe.objects.current(using).is_filling:
        yield from embed_column(SecondEmbedding, using=using, failures=failures)


def count_pending(using: str | None = None) -> int:
    """Return how many vectors embed_pending() would make; reads all rows."""
    recipe = EmbeddingRecipe.objects.current(using)
    pending = Product.objects.using(using).needs_embedding(recipe.fingerprint).count()
    if recipe.is_filling:
        second = SecondEmbedding.objects.using(using)
        pending += second.needs_embedding(recipe.second_fingerprint).count()
    return pending


def embed_column(
    column: Column, *, using: str | None, failures: Failures
) -> Iterator[int]:
    """Embed what one column needs; see embed_pending()."""
    last, more = 0, True
    while more:
        embedded, after = embed_batch(
            column, after=last, using=using, failures=failures
        )
        more, last = after > last, after
        if embedded:
            yield embedded


def embed_batch(
    column: Column, *, after: int, using: str | None, failures: Failures
) -> tuple[int, int]:
    """Embed the next batch of products with an id over *after*.

    Returns how many were embedded, and the largest id that was looked at.
    """
    with transaction.atomic(using=using):
        hold_recipe(using)
        backend = backend_for(column, EmbeddingRecipe.objects.current(using))
        if backend is None:
            return 0, after
        rows = lock_pending(column, backend, after=after, using=using, skip=failures)
        if not rows:
            return 0, after
        embedded = embed_rows(backend, rows, failures)
        column.objects.using(using).bulk_update(embedded, EMBEDDING_FIELDS)  # type: ignore[arg-type]
    return len(embedded), rows[-1].pk


def embed_again(
    ids: Sequence[int], *, using: str | None = None, failures: Failures | None = None
) -> Iterator[int]:
    """Embed the products with these ids, fresh or not; yield how many each batch did.

    A batch is one transaction, as in embed_pending(). Waits for a worker that is
    embedding the same rows. Raises EmbeddingError when the backend itself fails; a
    text that cannot be embedded is added to *failures*.
    """
    failures = Failures() if failures is None else failures
    products = Product.objects.using(using)
    while ids:
        with transaction.atomic(using=using):
            hold_recipe(using)
            backend = EmbeddingRecipe.objects.current(using).embedder()
            batch, ids = ids[: backend.batch_size], ids[backend.batch_size :]
            rows = (
                products.filter(pk__in=batch)
                .order_by("pk")
                .only("sku", "name", "category", "description")
            )
            embedded = embed_rows(backend, locked(rows, no_key=True), failures)
            products.bulk_update(embedded, EMBEDDING_FIELDS)  # type: ignore[arg-type]
        yield len(embedded)


def forget_unknown(*, using: str | None = None) -> int:
    """Take the vectors away from texts of which the model knows no word.

    They were made before the shop asked the model, and are about the same for all such
    texts. Returns how many. Asks about fresh products whose name is not all ASCII:
    letters of ASCII are known to every model at hand, and most catalogues have few
    other names.
    """
    recipe = EmbeddingRecipe.objects.current(using)
    backend = recipe.embedder()
    fresh = (
        Product.objects.using(using)
        .fresh(recipe.fingerprint)
        .filter(name__regex=r"[^\x01-\x7F]")
        .order_by("pk")
        .only("name", "category", "description")
    )
    last, forgotten = 0, 0
    while rows := list(fresh.filter(pk__gt=last)[:TEXTS]):
        known = backend.knows([row.embedding_text() for row in rows])
        unknown = [
            row.pk for row, is_known in zip(rows, known, strict=True) if not is_known
        ]
        forgotten += sum(embed_again(unknown, using=using))
        last = rows[-1].pk
    return forgotten


def backend_for(column: Column, recipe: EmbeddingRecipe) -> BaseEmbeddingBackend | None:
    """Return the backend of a column, None for a second one that is not being filled."""
    if column is Product:
        return recipe.embedder()
    return recipe.second_embedder() if recipe.is_filling else None


def lock_pending(
    column: Column,
    backend: BaseEmbeddingBackend,
    *,
    after: int,
    using: str | None,
    skip: Failures,
) -> Sequence[Row]:
    """Return the next products to embed, locked until the end of the transaction."""
    pending: QuerySet[Any] = (
        column.objects.using(using)
        .needs_embedding(backend.fingerprint)
        .filter(pk__gt=after)
        .exclude(text_hash__in=skip.hashes(backend.fingerprint))
        .order_by("pk")
        .only("sku", "name", "category", "description")
    )
    return locked(pending, limit=backend.batch_size, skip_locked=True, no_key=True)


def embed_rows(
    backend: BaseEmbeddingBackend, rows: Sequence[Row], failures: Failures
) -> list[Row]:
    """Set the embeddings of *rows* and return the rows that could be embedded.

    When the batch fails for good, its texts are tried one by one, so that one text
    does not keep the others from being embedded. Raises EmbeddingError for a fault
    that may pass, and for one that is not about these texts.
    """
    try:
        set_embeddings(backend, rows)
    except EmbeddingError as err:
        if not err.permanent:
            raise
    else:
        return list(rows)
    backend.embed(["ready?"])  # if this fails as well, no text is at fault
    embedded = []
    for row in rows:
        try:
            set_embeddings(backend, [row])
        except EmbeddingError as err:
            if not err.permanent:
                raise
            failures.add(backend.fingerprint, row, err)
        else:
            embedded.append(row)
    return embedded


def set_embeddings(backend: BaseEmbeddingBackend, rows: Sequence[Row]) -> None:
    """Set the embeddings of *rows*, all of them or none."""
    vectors = backend.embed_known([row.embedding_text() for row in rows])
    for row, vector in zip(rows, vectors, strict=True):
        values = None if vector is None else vector.tolist()
        row.set_embedding(values, backend.fingerprint)
