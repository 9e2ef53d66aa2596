"""What an import would do to the searches that people make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.utils.translation import gettext
from pgvector import Vector

from products.catalog.changes import Change
from products.catalog.importing import ImportResult
from products.embeddings import BaseEmbeddingBackend
from products.embeddings.text import embedding_text, text_hash, unknown_hash
from products.models import EmbeddingRecipe
from products.numbers import grouped
from products.quality.future import FutureRow, as_it_is, with_rows
from products.quality.impact import Impact, Progress, Queries, compare, first_found
from products.search.synonyms import stored

# Rows of a file that are looked at, since their texts are embedded, and products that it
# deletes.
MOST_CHANGED = 2_000
MOST_MISSING = 100_000


@dataclass
class ChangedRows:
    """The rows of a dry run that change a product, up to *most*.

    embed: whether texts without a vector get one. left_out: how many more there were.
    """

    most: int
    embed: bool = True
    rows: list[Change] = field(default_factory=list)
    left_out: int = 0

    def add(self, change: Change) -> None:
        """Take a row down if the import would write it or embed its text."""
        if not (change.writes or (self.embed and change.needs_embedding)):
            return
        if len(self.rows) < self.most:
            self.rows.append(change)
        else:
            self.left_out += 1

    def then(self, tell: Callable[[Change], None]) -> Callable[[Change], None]:
        """Return a function that adds a change, then tells of it."""

        def add_and_tell(change: Change) -> None:
            self.add(change)
            tell(change)

        return add_and_tell

    def remarks(self, result: ImportResult) -> Iterator[str]:
        """Yield what was not looked at, in sentences."""
        if self.left_out:
            text = gettext(
                "Looked at the first %(most)s rows that change something; %(others)s more "
                "were left out."
            )
            others = grouped(self.left_out)
            yield text % {"most": grouped(self.most), "others": others}
        if result.deleted > len(result.missing):
            text = gettext("Looked at %(some)s of %(all)s products that are deleted.")
            some, every = grouped(len(result.missing)), grouped(result.deleted)
            yield text % {"some": some, "all": every}


def impact_of_import(
    changed: ChangedRows,
    result: ImportResult,
    queries: Queries,
    *,
    using: str,
    seconds: float,
    progress: Progress = lambda: None,
) -> Impact:
    """Return which queries would change by the rows of a dry run; writes nothing.

    Embeds those of their texts that the import would embed. Raises EmbeddingError.
    """
    backend = EmbeddingRecipe.objects.current(using).embedder()
    rows = future_rows(changed.rows, backend, embed=changed.embed)
    ask = partial(first_found, embedder=backend, synonyms=stored(using))
    with as_it_is(using) as now, with_rows(rows, result.missing, using=using) as then:
        return compare(
            queries,
            partial(ask, using=now),
            partial(ask, using=then),
            seconds=seconds,
            progress=progress,
        )


def future_rows(
    changes: Sequence[Change], backend: BaseEmbeddingBackend, *, embed: bool
) -> list[FutureRow]:
    """Return the rows as the import would leave them, in the order of the file."""
    missing = [change for change in changes if embed and change.needs_embedding]
    made = made_vectors(missing, backend)
    return [future_row(change, made, backend) for change in changes]


def made_vectors(
    changes: Sequence[Change], backend: BaseEmbeddingBackend
) -> dict[int, str | None]:
    """Return the vectors of the texts of rows, by line; None for unknown words alone."""
    found: dict[int, str | None] = {}
    for start in range(0, len(changes), backend.batch_size):
        some = changes[start : start + backend.batch_size]
        texts = [
            embedding_text(each.row.name, each.row.category, each.row.description)
            for each in some
        ]
        made = backend.embed_known(texts)
        for change, vector in zip(some, made, strict=True):
            found[change.line] = None if vector is None else str(vector.tolist())
    return found


def future_row(
    change: Change, made: Mapping[int, str | None], backend: BaseEmbeddingBackend
) -> FutureRow:
    """Return a row as the import would leave it. made: the vectors of made_vectors()."""
    row = change.row
    texts = (row.name, row.category, row.description)
    hashed = text_hash(*texts)
    embedded: tuple[str | None, str, str] = (None, "", "")
    if change.takes_vector and row.vector is not None:
        vector = str(Vector.from_binary(row.vector).to_list())
        embedded = (vector, backend.fingerprint, hashed)
    elif vector_made := made.get(change.line):
        embedded = (vector_made, backend.fingerprint, hashed)
    elif change.line in made:
        embedded = (None, "", unknown_hash(backend.fingerprint, hashed))
    return FutureRow(row.sku, *texts, row.price, row.image, *embedded)
