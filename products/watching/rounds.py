"""What the worker does every ten minutes for whoever watches the shop."""

from __future__ import annotations

from products.watching.figures import measure
from products.watching.history import keep
from products.watching.recall_samples import ask_again


def go_round(*, using: str, failed: int) -> None:
    """Ask the sampled searches again, and write the figures of this hour down.

    failed: how many texts the worker could not embed.
    """
    ask_again(using=using)
    measured = measure(using=using)
    counts = measured.counts.figures() if measured.counts else {}
    keep({**measured.values, "failed": failed, **counts}, using=using)
