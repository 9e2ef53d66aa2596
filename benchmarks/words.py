"""How long a search for a word takes by the share of the products that have it.

    .venv/bin/python benchmarks/words.py

On 100,000 products and on 1,000 of them, in one run, alternating: words that about 30,
20, 10, 5, 1 and 0.1 % of the 100,000 products have, several common words, a word of no
product, a price range, the tenth page. Prints the shortest times in SQL, by words and
hybrid, and their ratio between the two catalogues; ends with status 1 where the median
of the words in one mode is over 40 ms in 100,000.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from large_catalogue import ALIAS, parser, say, use_large_catalogue

from products.models import Product
from products.search import Filters, search

SMALL = 1_000
SHARES = (0.3, 0.2, 0.1, 0.05, 0.01, 0.001)
WORDS = 3  # for each share
GOAL_MS = 40
MODES = ("keyword", "hybrid")

# A temporary table stands in for the table of the same name. Not "SELECT *": generated
# columns cannot be written.
SMALL_SQL = """
    CREATE TEMPORARY TABLE products (LIKE public.products INCLUDING ALL);
    INSERT INTO pg_temp.products ({columns})
    SELECT {columns} FROM public.products ORDER BY md5(id::text) LIMIT {rows};
    ANALYZE pg_temp.products
"""

# Only words that are their own stem find the products they are taken from.
WORDS_SQL = """
    SELECT word FROM (
        SELECT word, ndoc::float / (SELECT count(*) FROM products) AS share
        FROM ts_stat('SELECT search_vector FROM products')
        WHERE word ~ '^[a-z]{3,}$' AND word <> ALL(%s)
    ) AS known
    WHERE strip(to_tsvector('english', word)) = array_to_tsvector(ARRAY[word])
    ORDER BY abs(ln(share / %s)), word LIMIT %s
"""


@dataclass
class Case:
    """A search, and its times in milliseconds by catalogue and mode."""

    name: str
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    times: dict[tuple[bool, str], list[float]] = field(default_factory=dict)

    def measure(self, *, small: bool, mode: str) -> None:
        results = search(self.text, mode=mode, using=ALIAS, **self.options)
        self.times.setdefault((small, mode), []).append(results.log.sql_ms)

    def shortest(self, *, small: bool, mode: str) -> float:
        """Return the shortest time: other work of the machine only makes times longer."""
        return min(self.times[small, mode])

    def __str__(self) -> str:
        cells = []
        for mode in MODES:
            few, many = (self.shortest(small=s, mode=mode) for s in (True, False))
            cells.append(f"{few:9.1f}{many:9.1f}{many / few:7.1f}")
        return f"{self.name:15}{self.text[:30]:31}{''.join(cells)}"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=9, help="Default 9.")
    chosen = options.parse_args()
    use_large_catalogue(rows=chosen.rows, rebuild=chosen.rebuild)
    use_catalogue(small=False)
    cases = make_cases()
    make_small_catalogue()
    for _ in range(1 + chosen.repeats):
        for small in (True, False):
            use_catalogue(small=small)
            for case in cases:
                for mode in MODES:
                    case.measure(small=small, mode=mode)
    for case in cases:  # the first round filled the caches
        case.times = {key: times[1:] for key, times in case.times.items()}
    say(f"Shortest of {chosen.repeats}, milliseconds in SQL, and their ratio.")
    heads = [f"{f'{SMALL:,}':>9}{f'{chosen.rows:,}':>9}{'ratio':>7}"] * len(MODES)
    say(f"{'':46}{'keyword':>25}{'hybrid':>25}")
    say(f"{'':46}{''.join(heads)}")
    for case in cases:
        say(str(case))
    single = [case for case in cases if case.name.endswith("%")]
    medians = {
        mode: statistics.median(
            case.shortest(small=False, mode=mode) for case in single
        )
        for mode in MODES
    }
    say(", ".join(f"median {mode} {ms:.1f} ms" for mode, ms in medians.items()))
    sys.exit(max(medians.values()) > GOAL_MS)


def make_cases() -> list[Case]:
    """Return the searches, with words that the large catalogue has so often."""
    common: list[str] = []
    cases: list[Case] = []
    for share in SHARES:
        words = words_of(share, besides=[case.text for case in cases])
        common += words[:1]
        cases += [Case(f"{share:.1%}", word) for word in words]
    first, second, third, fourth, *_ = common
    return [
        *cases,
        Case("two common", f"{first} {second}"),
        Case("four common", f"{first} {second} {third} {fourth}"),
        Case("common, rare", f"{first} {common[-1]}"),
        Case("common, none", f"{first} qzxqzx"),
        Case("none", "qzxqzx"),
        Case("price range", first, {"filters": Filters(min_price=20, max_price=40)}),
        Case("tenth page", first, {"page": 10}),
    ]


def words_of(share: float, *, besides: list[str]) -> list[str]:
    """Return other words that about this share of the products has."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(WORDS_SQL, [besides, share, WORDS])
        return [word for (word,) in cursor.fetchall()]


def make_small_catalogue() -> None:
    """Make a table of a few of the products, for this connection alone."""
    columns = ", ".join(
        f'"{column.column}"'
        for column in Product._meta.concrete_fields
        if not column.generated
    )
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(SMALL_SQL.format(columns=columns, rows=SMALL))


def use_catalogue(*, small: bool) -> None:
    """Search in the small catalogue, or in the large one, from here on."""
    path = "pg_temp, public" if small else "public, pg_temp"
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"SET search_path = {path}")


if __name__ == "__main__":
    main()
