"""Groups of points that lie together, and the words that set each apart.

The words are those of the products' names, whatever language they are in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from products.insight.plane import Numbers, Rows

FEWEST = 60  # points; fewer are told apart by their own names
SIZE = 30  # points of a cluster on average, at least
MOST = 24  # clusters; the names of more would cover each other
ROUNDS = 20  # of k-means, if it does not settle before
WORDS = 2  # of a name
CLEAR = 2.0  # standard deviations of the log-odds: less may be chance

# No numbers, and nothing as short as "of" or "XL".
WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Cluster:
    """A group of points: its middle, how many there are, and what they are called."""

    x: float
    y: float
    count: int
    words: tuple[str, ...]


def clusters_of(places: Numbers, names: Sequence[str]) -> list[Cluster]:
    """Return the clusters of a map that words set apart, the largest first.

    The same for the same points. Empty with fewer than 60 points.
    """
    if len(names) < FEWEST:
        return []
    count = min(MOST, len(names) // SIZE)
    own, middles = k_means(places, count)
    sizes = Counter(own.tolist())
    words = distinctive_words(names, own.tolist())
    clusters = [
        Cluster(
            round(float(middles[number, 0]), 1),
            round(float(middles[number, 1]), 1),
            sizes[number],
            words[number],
        )
        for number in sizes
        if words[number]
    ]
    return sorted(clusters, key=lambda cluster: (-cluster.count, cluster.words))


def k_means(points: Numbers, count: int) -> tuple[Rows, Numbers]:
    """Return the cluster of each point, and the middle of each cluster.

    Lloyd's algorithm, begun as k-means++ does, with the same chance every time. See
    https://doi.org/10.1109/TIT.1982.1056489 and
    https://dl.acm.org/doi/10.5555/1283383.1283494
    """
    import numpy as np

    middles = spread_out(points, count)
    own: Rows = np.zeros(len(points), dtype=np.int64)
    for _ in range(ROUNDS):
        own = squares(points, middles).argmin(axis=1)
        sizes = np.bincount(own, minlength=count)[:, None]
        sums = [np.bincount(own, points[:, side], count) for side in (0, 1)]
        # A cluster that has lost all its points stays where it is.
        moved = np.where(sizes, np.transpose(sums) / np.maximum(sizes, 1), middles)
        if np.allclose(moved, middles):
            break
        middles = moved
    return own, middles


def spread_out(points: Numbers, count: int) -> Numbers:
    """Return some of the points, drawn so that those far from the others are likely."""
    import numpy as np

    chance = np.random.default_rng(0)
    chosen = [int(chance.integers(len(points)))]
    far = np.full(len(points), np.inf)
    while len(chosen) < count:
        # Points in one place have a chance too, or nothing could be drawn.
        far = np.minimum(far, squares(points, points[chosen[-1:]])[:, 0] + 1e-9)
        chosen.append(int(chance.choice(len(points), p=far / far.sum())))
    return points[chosen]


def squares(points: Numbers, middles: Numbers) -> Numbers:
    """Return the squared distances of points to middles: shape (points, middles)."""
    import numpy as np

    # (p - m)² = p² - 2pm + m²: one product of matrices, and no array of all differences.
    own = (points**2).sum(axis=1)[:, None] + (middles**2).sum(axis=1)
    distances: Numbers = np.maximum(own - 2 * points @ middles.T, 0)
    return distances


def distinctive_words(
    names: Sequence[str], own: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """Return the words of each cluster that are more common in it than elsewhere.

    own: the cluster of each name. At most two words, as most of the names write them,
    the clearest first: by the log-odds that a name has the word, in the cluster against
    the other clusters, over its standard deviation. A word of one name alone is chance.
    See https://doi.org/10.1093/pan/mpn018 (Monroe, Colaresi and Quinn, 2008).
    """
    sizes = Counter(own)
    spellings: Counter[str] = Counter()
    inside: dict[int, Counter[str]] = {number: Counter() for number in sizes}
    for name, number in zip(names, own, strict=True):
        written = set(WORD.findall(name))
        spellings.update(written)
        inside[number].update({word.casefold() for word in written})
    everywhere = sum(inside.values(), Counter[str]())
    usual: dict[str, str] = {}
    for word, _times in spellings.most_common():
        usual.setdefault(word.casefold(), word)

    def clearness(number: int, word: str) -> float:
        """How many standard deviations the log-odds of a word are above 0."""
        here, size = inside[number][word], sizes[number]
        there, rest = everywhere[word] - here, len(names) - size
        # Half a name more on each side, so that no odds are 0 or infinite.
        odds = (here + 0.5) / (size - here + 0.5)
        others = (there + 0.5) / (rest - there + 0.5)
        return log(odds / others) / sqrt(1 / (here + 0.5) + 1 / (there + 0.5))

    found = {}
    for number, counted in inside.items():
        clear = {
            word: clearness(number, word) for word, here in counted.items() if here > 1
        }
        best = sorted(clear, key=lambda word: (-clear[word], word))[:WORDS]
        found[number] = tuple(usual[word] for word in best if clear[word] > CLEAR)
    return found
