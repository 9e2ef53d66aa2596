"""How near a product is, in words: a shopper has no use for a cosine similarity."""

from __future__ import annotations

from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class Nearness(models.TextChoices):
    """How much a product is like what was asked for."""

    VERY = "very", _("very alike")
    ALIKE = "alike", _("alike")
    LOOSE = "loose", _("loosely related")


class Near(NamedTuple):
    """A nearness in words, and as a share, 0 at the floor to 1 for the same."""

    words: Nearness
    share: float


# From this share of the way from the floor to 1 on. A query of a few words is rarely
# nearer to the text of a product than 0.75, however well it fits, and with thirds nearly
# all that fits would be called loosely related. With the bundled model, whose floor is
# about 0.33, these are similarities of 0.50 and 0.66: most of what is asked for is above
# the first, as tripods are for "camera tripod" and cameras are not.
STEPS = [(0.5, Nearness.VERY), (0.25, Nearness.ALIKE), (0.0, Nearness.LOOSE)]


def near(similarity: float | None, floor: float) -> Near | None:
    """Return how near a similarity is, None below the floor or where none is known.

    floor: the similarity from which on the nearest product is a match.
    """
    if similarity is None or similarity < floor:
        return None
    share = (similarity - floor) / (1 - floor) if floor < 1 else 1.0
    return Near(next(words for step, words in STEPS if share >= step), min(share, 1.0))
