"""What becomes of typing errors: which are corrected, and how well the search does then.

    .venv/bin/python benchmarks/typing_errors.py --queries queries.tsv --judgements judgements.tsv

Reads the words of the configured database (DB_NAME) and says how long that takes and how
much memory they need. Makes one error in each of many of its words of 5 to 12 letters,
the more often the more products have them: a letter left out, added or wrong, or two
exchanged. Prints which come back, how many correct words are changed, how many texts of
random letters are, and the processor time. With judged queries (the files of
evaluate_search) makes one error in a word of each, and prints nDCG@10 of the queries as
they were, with the error, and with the error but without a second look.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

from large_catalogue import say

from products.quality.evaluation import TOP
from products.quality.judged import JudgedQueries, read_judged
from products.quality.measures import ndcg
from products.search import Mode, search
from products.search.question import Question
from products.search.second_look import meant_texts
from products.search.spelling import Vocabulary
from products.search.vocabulary import read, vocabulary
from products.search.words import query_terms

LENGTHS = range(5, 13)
USING = "default"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--queries", type=Path)
    options.add_argument("--judgements", type=Path)
    options.add_argument("--words", type=int, default=2_000, help="Default 2,000.")
    options.add_argument(
        "--errors", type=int, default=3, help="Of each judged query; default 3."
    )
    chosen = options.parse_args()
    if bool(chosen.queries) != bool(chosen.judgements):
        options.error("Give --queries and --judgements together.")
    chance = random.Random(0)
    words = measured_vocabulary()
    typed = [word for word in words.counts if len(word) in LENGTHS]
    if not typed:
        sys.exit("No product has a word of 5 to 12 letters. Load products first.")
    weights = [words.counts[word] for word in typed]
    asked = chance.choices(typed, weights, k=chosen.words)
    report_errors(asked, words, chance)
    report_unchanged(set(asked))
    report_random_letters(chance)
    if chosen.queries:
        judged = read_judged(chosen.queries, chosen.judgements, using=USING)
        report_unchanged(
            {word for text in judged.texts.values() for word in known_words(text)}
        )
        for mode in (Mode.HYBRID, Mode.KEYWORD):
            report_queries(judged, mode, chosen.errors)


def measured_vocabulary() -> Vocabulary:
    """Return the words of the catalogue, and say what they cost."""
    started = time.perf_counter()
    read(USING)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    words = vocabulary(USING)
    assert words.by_length
    used, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    say(
        f"{len(words.counts):,} words, read in {seconds * 1000:,.0f} ms, "
        f"{used / 1e6:.1f} MB"
    )
    return words


def with_error(word: str, chance: random.Random) -> str:
    """Return a word with one error, which may make the same word."""
    place = chance.randrange(len(word))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    new = chance.choice(string.ascii_lowercase)
    return chance.choice(
        [
            f"{before}{after}",
            f"{before}{new}{letter}{after}",
            f"{before}{new}{after}",
            f"{before}{after[:1]}{letter}{after[1:]}",
        ]
    )


def has_product(word: str) -> bool:
    """Return whether any product has a word; a stop word counts as one."""
    terms = query_terms(word, using=USING)
    return not terms or any(term.count for term in terms)


def meant(text: str) -> tuple[str, str]:
    """Return what a text becomes, and what it would be suggested to be."""
    return meant_texts(Question(text=text), join=False)


def report_errors(asked: list[str], words: Vocabulary, chance: random.Random) -> None:
    """Say how many words come back from an error, and how long a correction takes."""
    errors = [(word, with_error(word, chance)) for word in asked]
    errors = [(word, error) for word, error in errors if not has_product(error)]
    outcomes: Counter[str] = Counter()
    for word, error in errors:
        shown, suggested = meant(error)
        if shown != error:
            outcomes["corrected" if shown == word else "another word"] += 1
        elif suggested != error:
            outcomes["suggested" if suggested == word else "another suggested"] += 1
        else:
            outcomes["left as it is"] += 1
    say(f"{len(errors):,} words with an error: {shares(outcomes)}")
    started = time.process_time()
    for _, error in errors:
        words.meant(error)
    spent = (time.process_time() - started) / len(errors)
    say(f"{spent * 1000:.2f} ms of processor time for a correction")


def report_unchanged(correct: set[str]) -> None:
    """Say how many words that products have are changed or suggested to be others."""
    changed = [word for word in correct if meant(word) != (word, word)]
    say(f"{len(correct):,} correct words, changed: {len(changed)} {changed[:5]}")


def report_random_letters(chance: random.Random) -> None:
    """Say how many texts of random letters become words, by length."""
    for length in (4, 5, 6, 8, 10):
        texts = [
            "".join(chance.choices(string.ascii_lowercase, k=length))
            for _ in range(500)
        ]
        changed = sum(meant(text)[0] != text for text in texts)
        say(f"500 texts of {length} random letters, corrected: {changed / 500:.1%}")


def report_queries(judged: JudgedQueries, mode: Mode, errors: int) -> None:
    """Say how well judged queries are answered with one error in a word."""
    chance = random.Random(1)
    values: dict[str, list[float]] = {}
    outcomes: Counter[str] = Counter()
    for qid, grades in judged.grades.items():
        text = judged.texts[qid].lower()
        words = [word for word in known_words(text) if len(word) in LENGTHS]
        for _ in range(errors if words else 0):
            word = chance.choice(words)
            error = with_error(word, chance)
            if has_product(error):
                continue
            typed = text.replace(word, error, 1)
            found = search(typed, mode=mode, page_size=TOP)
            shown = found.corrected or found.suggested
            outcomes[
                "corrected"
                if found.corrected == text
                else "another text"
                if found.corrected
                else "suggested"
                if shown == text
                else "left as it is"
            ] += 1
            for name, results in [
                ("without error", search(text, mode=mode, page_size=TOP, literal=True)),
                ("second look", found),
                ("literal", search(typed, mode=mode, page_size=TOP, literal=True)),
            ]:
                skus = [hit.product.sku for hit in results]
                values.setdefault(name, []).append(ndcg(skus, grades, k=TOP))
    say(f"{mode}: {outcomes.total()} queries with an error: {shares(outcomes)}")
    for name, measured in values.items():
        say(f"  nDCG@10 {name}: {sum(measured) / len(measured):.3f}")


def known_words(text: str) -> list[str]:
    """Return the words of letters that some product has."""
    return [
        word for word in text.lower().split() if word.isalpha() and has_product(word)
    ]


def shares(outcomes: Counter[str]) -> str:
    """Return the outcomes, the most frequent first, with their shares."""
    total = max(outcomes.total(), 1)
    return ", ".join(f"{name} {n / total:.1%}" for name, n in outcomes.most_common())


if __name__ == "__main__":
    main()
