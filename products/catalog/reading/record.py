"""One record of a catalogue file, or why it is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# How many characters of a refused record are kept.
MAX_RAW = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """What the file says about one product; *line* is the number of its first line."""

    line: int
    fields: dict[str, Any]
    raw: str = ""  # as it is in the file, where the reader knows it

    def refuse(self, reason: str) -> Refusal:
        """Return the refusal of this record."""
        raw = self.raw or json.dumps(self.fields, ensure_ascii=False)
        return Refusal(self.line, reason, raw[:MAX_RAW])


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that is not imported, and why; *raw* as it is in the file."""

    line: int
    reason: str
    raw: str
