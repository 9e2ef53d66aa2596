"""How messages tell the operator to choose the way a file is read."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class Hints:
    """What to do about a file, in the words of the command or of a form.

    encoding ends a reason for a refusal, so without a full stop; column has a place,
    %(column)s, for the column's name. All others are sentences.
    """

    delimiter: str | Promise
    encoding: str | Promise
    json_lines: str | Promise
    column: str | Promise


COMMAND = Hints(
    delimiter="Pass --delimiter ';'",
    encoding="pass its --encoding, such as cp1252",
    json_lines="For one object per line pass --format jsonl.",
    column="Name the one with the %(column)s: --map %(column)s=COLUMN",
)
