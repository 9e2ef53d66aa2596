"""Cursors: which page of which question comes next, signed.

A cursor holds the recipe of the vectors that its page was ranked by. Ranked by another
one, the next page could repeat products of the last page and leave others out, so it is
refused when the model was switched between.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.core import signing
from pydantic import BaseModel

from products.api.problems import Kind, Problem
from products.search import Results

SALT = "products.api.cursors"
VALID = timedelta(hours=1)
START_AGAIN = "Ask for the first page again, without the cursor."


@dataclass(frozen=True)
class Cursor:
    """A page, from 1, of a question, and the recipe of the page before it.

    question: see question_key().
    """

    page: int
    question: str
    recipe: str = ""

    @classmethod
    def read(cls, text: str, question: str) -> Cursor:
        """Return the cursor of a request for a question, the first page without one.

        Raises Problem for a cursor that is wrong, old or of another question.
        """
        if not text:
            return cls(page=1, question=question)
        try:
            cursor = cls(**signing.loads(text, salt=SALT, max_age=VALID))
        except signing.SignatureExpired as err:
            raise refused("expired", "The cursor is too old.") from err
        except (signing.BadSignature, TypeError) as err:  # or of another version
            raise refused("wrong", "The cursor is none of this shop.") from err
        if cursor.question != question:
            raise refused("other_question", "The cursor is of another question.")
        return cursor

    def page_of(self, results: Results) -> Results:
        """Return the results of the page; without hits where so many pages are no more.

        Raises Problem for results that are ranked by another recipe.
        """
        if self.page == 1:
            return results
        if results.recipe != self.recipe:
            raise self.of_another_ranking(results)
        return results if results.page == self.page else replace(results, hits=[])

    def of_another_ranking(self, results: Results) -> Problem:
        """Return why these results do not continue the page before."""
        if results.recipe and self.recipe:
            kind, detail = (
                Kind.MODEL_SWITCHED,
                "The embedding model was switched since.",
            )
        else:
            kind, detail = Kind.CURSOR, "Only one of both is ranked by meaning."
        detail = f"This page would not continue the one before. {detail} {START_AGAIN}"
        return Problem(409, detail, kind=kind)

    def after(self, results: Results) -> str | None:
        """Return the cursor of the page after these results, None after the last."""
        if not results.has_next:
            return None
        following = replace(self, page=results.next, recipe=results.recipe)
        return signing.dumps(vars(following), salt=SALT)


def question_key(asked: BaseModel, *others: Any) -> str:
    """Return what tells a question from others: short, the same for all its pages."""
    question = asked.model_dump_json(exclude={"cursor", "explain"})
    text = repr((type(asked).__name__, question, *others))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def refused(code: str, detail: str) -> Problem:
    """Return the problem of a cursor that cannot be used."""
    detail = f"{detail} {START_AGAIN}"
    error = {"detail": detail, "code": code, "parameter": "cursor"}
    return Problem(400, detail, kind=Kind.CURSOR, errors=[error])
