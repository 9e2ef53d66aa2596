"""How messages write numbers, in the language in force."""

from __future__ import annotations

from django.utils.formats import number_format


def grouped(number: int) -> str:
    """Return a number with its thousands separated: 12,345."""
    return number_format(number, force_grouping=True)
