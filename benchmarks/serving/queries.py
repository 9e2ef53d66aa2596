"""What is searched for: queries as shoppers type them, and others made of them."""

from __future__ import annotations

import random
from pathlib import Path

QUERIES = Path(__file__).with_name("queries.txt")
MOST_WORDS = 4
MOST_QUERIES = 128  # pgbench runs no more files, and each query has one
MADE = 60_000


def read_queries(path: Path) -> list[str]:
    """Return the queries of one to four words that a file has, at most 128 of them.

    A line is a query, or an id, a tab and a query. "#" begins a comment. Raises
    ValueError for a file with too few.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[-1].strip() for line in lines if line[:1] != "#"]
    queries = [text for text in dict.fromkeys(texts) if 0 < words(text) <= MOST_WORDS]
    if len(queries) < 10:
        raise ValueError(
            f"{path} has {len(queries)} queries of one to four words. Give a file with "
            "at least 10, one a line."
        )
    return queries[:MOST_QUERIES]


def made_of(queries: list[str], chance: random.Random) -> list[str]:
    """Return some thousand other texts, of two or three queries and at most four words."""
    joined = (
        " ".join(chance.sample(queries, chance.choice((2, 3)))) for _ in range(MADE)
    )
    made = dict.fromkeys(text for text in joined if words(text) <= MOST_WORDS)
    return [text for text in made if text not in queries]


def words(text: str) -> int:
    return len(text.split())
