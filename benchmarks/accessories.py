"""What ranking accessories lower is worth: accessories.py --queries FILE --judgements FILE.

Searches the shop's own catalogue (DB_NAME) by meaning and words, without the rule and
with several shares of the score that an accessory keeps. The share is chosen by one half
of the judged queries, and its nDCG@10 reported for the other half, both ways round.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).resolve().parent.parent

SHARES = (0.0, 0.25, 0.5, 0.75)
MEASURES = {"ndcg": "unjudged = 0", "judged_only": "judged only"}


def main() -> None:
    """Print for both halves what the rule changes in the other one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", required=True, type=Path)
    parser.add_argument("--judgements", required=True, type=Path)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
    import django

    django.setup()
    from django.conf import settings

    from products.quality.judged import read_judged
    from products.search import words

    judged = read_judged(args.queries, args.judgements, using="default")
    by_share = {}
    for words.ACCESSORY_SHARE in SHARES:
        by_share[words.ACCESSORY_SHARE] = measured(judged)
    settings.ACCESSORY_WORDS = ()
    without = measured(judged)

    order = sorted(without, key=lambda qid: hashlib.sha256(qid.encode()).digest())
    half = len(order) // 2
    for measure in MEASURES:
        report(order[:half], order[half:], without, by_share, measure)
        report(order[half:], order[:half], without, by_share, measure)


def measured(judged):
    """Return the measures of the hybrid search for each judged query, by its id."""
    from products.quality.evaluation import measure_query
    from products.search import Mode

    return {
        qid: measure_query(judged, qid, Mode.HYBRID, using="default")
        for qid in judged.grades
    }


def report(tuned, held_out, without, by_share, measure):
    """Print what the share that is best for one half does for the other."""
    from products.quality.evaluation import Interval

    def value(share, qid):
        return getattr(by_share[share][qid], measure)

    best = max(by_share, key=lambda share: fmean(value(share, qid) for qid in tuned))
    before = [getattr(without[qid], measure) for qid in held_out]
    after = [value(best, qid) for qid in held_out]
    change = Interval.of([new - old for old, new in zip(before, after, strict=True)])
    sys.stdout.write(
        f"{MEASURES[measure]}: share {best}; {len(held_out)} other queries "
        f"{fmean(before):.3f} -> {fmean(after):.3f}, "
        f"{change.mean:+.3f} [{change.low:+.3f}, {change.high:+.3f}]\n"
    )


if __name__ == "__main__":
    main()
