"""The second look: a query is corrected where the first look did not know a word."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

from products.embeddings import EmbeddingError
from products.models import Product
from products.search.question import Question
from products.search.rank import Ranking, rank, terms_of
from products.search.spelling import corrected
from products.search.steps import Step
from products.search.vocabulary import vocabulary
from products.sql.watch import named

logger = logging.getLogger(__name__)


class Looked(NamedTuple):
    """The question that is answered, and its ranking.

    suggested: another text that may have been meant, or "".
    """

    question: Question
    ranking: Ranking
    suggested: str = ""


def second_look(question: Question, ranking: Ranking) -> Looked:
    """Return what is shown after the first look.

    ranking: what the first look found. Where no product has a word of the text, or
    nothing was found at all, the text is corrected and searched for. The same question
    and ranking come back if that finds nothing, or if the first look found the sku. A
    word that the embedding model knows is a word of the language, which the shop may
    just not sell: it is not corrected, and another one is only suggested.
    """
    first = ranking.candidates[0] if ranking.candidates else None
    found = first is not None and not ranking.unknown_words
    exact = first is not None and first.exact
    # While texts cannot be embedded, the machine has enough to do.
    if not question.text or question.literal or found or exact or ranking.notice:
        return Looked(question, ranking)
    try:
        meant, suggested = meant_texts(question, join=first is None)
    except EmbeddingError as err:  # only a search by words comes here without a model
        logger.warning("A query could not be corrected without the model: %s", err)
        return Looked(question, ranking)
    if suggested in (question.text, meant):
        suggested = ""
    if meant == question.text:
        return Looked(question, ranking, suggested)
    better = replace(question, text=meant)
    again = rank(better)
    if not again.candidates:
        return Looked(question, ranking, suggested)
    spent = ranking.log.embedding_ms + again.log.embedding_ms
    log = replace(again.log, embedding_ms=spent)
    return Looked(better, replace(again, log=log), suggested)


@named(Step.SPELLING)
def meant_texts(question: Question, *, join: bool) -> tuple[str, str]:
    """Return the text of a question as it was likely meant, and as it may have been.

    Each is the text itself where nothing is better. Raises EmbeddingError.
    """

    @cache
    def has_product(word: str) -> bool:
        terms = terms_of(replace(question, text=word))
        # A stop word is no term, and nothing to correct.
        if not terms or any(term.count for term in terms):
            return True
        return Product.objects.using(question.using).with_sku(word).exists()

    correct = partial(
        corrected, question.text, vocabulary(question.using), has_product, join=join
    )
    return correct(is_word=question.backend.knows_word), correct()
