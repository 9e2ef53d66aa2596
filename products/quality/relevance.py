"""What a shop expects of its search: a TOML file, read, checked and asked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from products.models import Product
from products.search import Filters, Mode, SearchError, search
from products.search.question import MAX_PAGE_SIZE

FIRST = 3  # where the file does not say how many of the results count

# The tables of a file and their keys, with the type of each.
EXPECTED = {"first": int, "has": list, "not": list, "nothing": bool}
FILTERS = {"categories": list, "min_price": (int, float), "max_price": (int, float)}
TABLES: dict[str, dict[str, Any]] = {
    "search": {"text": str, "mode": str, **FILTERS, **EXPECTED},
    "similar": {"sku": str, **FILTERS, **EXPECTED},
}
ASKED = {"search": "text", "similar": "sku"}


class RelevanceError(ValueError):
    """A file that cannot be asked; the message names all that has to be changed."""


@dataclass(frozen=True)
class Expectation:
    """What the first results of a question must have, and what they must not have.

    kind: "search" or "similar"; asked: the text, or the sku of the product. nothing:
    there must be no result at all.
    """

    kind: str
    asked: str
    mode: Mode = Mode.HYBRID
    filters: Filters = Filters()
    first: int = FIRST
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    nothing: bool = False

    @property
    def skus(self) -> list[str]:
        """All skus that it names."""
        return [*self.has, *self.lacks, *([self.asked] * (self.kind == "similar"))]


@dataclass(frozen=True)
class Answer:
    """What the search gave. found: the skus of the first results; notice: its notice."""

    expectation: Expectation
    found: list[str]
    notice: str = ""
    missing: list[str] = field(init=False)
    unwanted: list[str] = field(init=False)

    def __post_init__(self) -> None:
        expected, found = self.expectation, self.found
        missing = [sku for sku in expected.has if sku not in found]
        unwanted = [sku for sku in found if expected.nothing or sku in expected.lacks]
        object.__setattr__(self, "missing", missing)
        object.__setattr__(self, "unwanted", unwanted)

    @property
    def as_expected(self) -> bool:
        return not (self.missing or self.unwanted)


def read_expectations(path: Path, *, using: str) -> list[Expectation]:
    """Return what a file expects.

    Raises RelevanceError with all problems of the file at once, among them the skus
    that no product of the catalogue has.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise RelevanceError(f"{path} cannot be read as TOML: {err}") from err
    problems = [
        f"[{name}] is not a table of such a file; use [[search]] and [[similar]]"
        for name in tables.keys() - TABLES.keys()
    ]
    expectations = []
    for name in TABLES:
        entries = tables.get(name, [])
        if not isinstance(entries, list):
            problems.append(f"[{name}] must be written [[{name}]]")
            continue
        for number, entry in enumerate(entries, start=1):
            faults = list(faults_of(name, entry))
            if not faults:
                try:
                    expectations.append(expectation(name, entry))
                except SearchError as err:
                    faults = [str(err)]
            problems += [f"[[{name}]] number {number}: {fault}" for fault in faults]
    named = list(dict.fromkeys(sku for each in expectations for sku in each.skus))
    problems += [
        f"no product has the sku {sku!r}" for sku in unknown_skus(named, using=using)
    ]
    if not (problems or expectations):
        problems = ["it expects nothing; write a table [[search]] or [[similar]]"]
    if problems:
        raise RelevanceError("\n".join([f"{path} cannot be asked:", *problems]))
    return expectations


def faults_of(name: str, entry: Any) -> Iterator[str]:
    """Yield what is wrong with one table of a file."""
    keys, asked = TABLES[name], ASKED[name]
    if not isinstance(entry, Mapping):
        yield f"must be written [[{name}]]"
        return
    for key in entry.keys() - keys.keys():
        yield f"{key!r} is unknown; use {', '.join(keys)}"
    for key in entry.keys() & keys.keys():
        if not fits(entry[key], keys[key]):
            yield f"{key} = {entry[key]!r} is not {DESCRIBED[key]}"
    if asked not in entry:
        yield f"{asked} is missing"
    if not any(entry.get(key) for key in ("has", "not", "nothing")):
        yield "has, not or nothing = true must say what is expected"
    if entry.get("nothing") and entry.get("has"):
        yield "has and nothing = true contradict each other"
    if entry.get("first", FIRST) not in range(1, MAX_PAGE_SIZE + 1):
        yield f"first must be from 1 to {MAX_PAGE_SIZE}"
    if (mode := entry.get("mode", Mode.HYBRID)) not in Mode.values:
        yield f"mode = {mode!r} is not one of {', '.join(Mode.values)}"


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value has the type of its key. Texts must not be empty."""
    if isinstance(value, bool) or not isinstance(value, kind):
        return kind is bool and isinstance(value, bool)
    if isinstance(value, list):
        return all(fits(item, str) for item in value)
    return not isinstance(value, str) or bool(value.strip())


DESCRIBED = {
    "text": "a text",
    "sku": "a sku",
    "mode": "a text",
    "first": "a whole number",
    "nothing": "true or false",
    "min_price": "a price",
    "max_price": "a price",
    "categories": "a list of categories",
    "has": "a list of skus",
    "not": "a list of skus",
}


def expectation(name: str, entry: Mapping[str, Any]) -> Expectation:
    """Return what a table without faults expects. Raises SearchError for its filters."""
    low, high = (
        Decimal(str(entry[key])) if key in entry else None
        for key in ("min_price", "max_price")
    )
    return Expectation(
        kind=name,
        asked=entry[ASKED[name]],
        mode=Mode(entry.get("mode", Mode.HYBRID)),
        filters=Filters(tuple(entry.get("categories", ())), low, high),
        first=entry.get("first", FIRST),
        has=tuple(entry.get("has", ())),
        lacks=tuple(entry.get("not", ())),
        nothing=entry.get("nothing", False),
    )


def unknown_skus(skus: Sequence[str], *, using: str) -> list[str]:
    """Return those of *skus* that no product has."""
    asked = [sku for sku in skus if "\0" not in sku]
    products = Product.objects.using(using).filter(sku__in=asked)
    known = set(products.values_list("sku", flat=True))
    return [sku for sku in skus if sku not in known]


def ask(expected: Expectation, *, using: str) -> Answer:
    """Return what the search answers, to be compared with what is expected.

    Raises RelevanceError for a question that the search refuses.
    """
    asked: dict[str, Any]
    if expected.kind == "similar":
        product = Product.objects.using(using).for_display().get(sku=expected.asked)
        asked = {"like": [product]}
    else:
        asked = {"text": expected.asked, "mode": expected.mode}
    try:
        results = search(
            filters=expected.filters, page_size=expected.first, using=using, **asked
        )
    except SearchError as err:
        raise RelevanceError(f"{expected.kind} {expected.asked!r}: {err}") from err
    return Answer(expected, [hit.product.sku for hit in results], results.notice)
