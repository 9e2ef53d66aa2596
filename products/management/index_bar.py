"""The progress bar of commands that build the index of the embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from tqdm import tqdm

from products.upkeep.vector_index import Progress


@contextmanager
def index_bar(file: Any, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Give what shows the progress of a build, on terminals only."""
    with tqdm(unit=" blocks", disable=quiet or None, file=file) as bar:
        yield partial(show_build, bar)


def show_build(bar: tqdm[Any], progress: Progress) -> None:
    """Move a bar to where the build is."""
    bar.set_description_str(progress.phase, refresh=False)
    bar.total = progress.total
    bar.update(progress.done - bar.n)
