"""What the commands `search` and `similar` share: options, checks and output."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import DataError

from products.management.base import ShopCommand
from products.models import Product
from products.search import Filters, Hit, Mode, Results, SearchError, Sort, search
from products.search.results import Plan
from products.sql.watch import Scan, explained

# How many category names are read to suggest one, and how many are suggested.
CATEGORIES_READ = 10_000
CATEGORIES_NAMED = 5

# The titles of the columns, as wide as these are.
SIMILARITY = "similarity  "
DISTANCE = "distance  "
PRICE_WIDTH = 11

# The index is the plan; PostgreSQL decides. What it did is said below the plan.
PLANS = {
    "exact": "exact scan",
    "hnsw": "HNSW index, unless PostgreSQL finds another way cheaper",
    "keyword": "words only",
    "listing": "listing",
}

JSON_HELP = """
--json writes one object with these keys:
  mode, page, pages, page_size, total, more (true: there are others that were not
  ranked, so total reads "at least"), total_text, notice,
  corrected (the text that was searched for in place of a mistyped one, or ""),
  suggested (another text that may have been meant, or "");
  hits: rank, sku, name, category, price (a string, so that no cent is lost), score,
  similarity, distance, semantic_rank, keyword_rank, words, exact;
  facets: category, count;
  plan: method, reason, words (by which rules products with a word were chosen),
  matching, ef_search, rows, embedding_ms, sql_ms, statements;
  scans (empty without --explain): node, index, rows, removed, milliseconds.
What does not apply is null.
"""


class SearchCommand(ShopCommand):
    """A command that searches once and lists a page of what was found."""

    about = JSON_HELP
    expected = (SearchError,)

    def add_arguments(self, parser: CommandParser) -> None:
        add_filter_arguments(parser)
        parser.add_argument(
            "--page", type=int, default=1, help="Which page to list, from 1."
        )
        parser.add_argument(
            "--explain",
            action="store_true",
            help="Show how it was searched, and what PostgreSQL really read.",
        )
        self.add_json_argument(parser)
        self.add_database_argument(parser, "The database to search.")

    def run(self, options: dict[str, Any], **question: Any) -> None:
        """Search for what is asked and write it. Raises SearchError or CommandError."""
        database = options["database"]
        try:
            filters = read_filters(options)
            require_categories(filters.categories, using=database)
            with ExitStack() as stack:
                scans: list[Scan] = []
                if options["explain"]:
                    scans = stack.enter_context(explained(using=database))
                results = search(
                    filters=filters,
                    diversity=options["diversity"],
                    page=options["page"],
                    page_size=options["limit"],
                    using=database,
                    **question,
                )
        except UnicodeEncodeError as err:
            raise CommandError("That is not a text: write it in UTF-8.") from err
        if options["json"]:
            self.stdout.write(json.dumps(as_json(results, scans), indent=2))
        else:
            self.write_results(results, scans, explain=options["explain"])

    def write_results(
        self, results: Results, scans: Sequence[Scan], *, explain: bool
    ) -> None:
        """Write a line for each hit, then how many there are."""
        if results.notice:
            self.stderr.write(self.style.WARNING(results.notice))
        if results.corrected:
            self.stderr.write(
                f"Showing results for “{results.corrected}”. Add --literal to search "
                "for the text as it is typed."
            )
        if results.suggested:
            self.stderr.write(f"Did you mean “{results.suggested}”?")
        compared = any(hit.similarity is not None for hit in results)
        if results.hits:
            self.stdout.write(header(compared=compared))
        for hit in results:
            self.stdout.write(line(hit, compared=compared))
            if explain and (reasons := why(hit)):
                self.stdout.write(f"{'':{len(SIMILARITY)}}{reasons}")
        self.stdout.write(self.style.SUCCESS(summary(results)))
        if explain:
            self.stdout.write("\n".join(explanation(results, scans)))


def add_filter_arguments(parser: CommandParser) -> None:
    """Add what narrows and varies a search: categories, prices and --diversity."""
    parser.add_argument(
        "--category",
        action="append",
        default=[],
        help="Only products of this category; can be given several times.",
    )
    for name, which in (("--min-price", "from"), ("--max-price", "up to")):
        parser.add_argument(
            name, type=price, help=f"Only products {which} this price, included."
        )
    parser.add_argument(
        "--diversity",
        type=float,
        default=0.0,
        help="0 for the best, up to 1 for the most varied (default 0).",
    )


def add_text_arguments(parser: CommandParser) -> None:
    """Add how a text is searched for: --mode, --sort, --embedded and --literal."""
    parser.add_argument(
        "--mode",
        choices=Mode.values,
        default=Mode.HYBRID,
        help="By meaning and words (hybrid, the default) or by one of them.",
    )
    parser.add_argument(
        "--sort",
        choices=Sort.values,
        default=Sort.RELEVANCE,
        help="The order (default relevance; without a text by name), such as "
        "--sort=-price.",
    )
    parser.add_argument(
        "--embedded", action="store_true", help="Only products with an embedding."
    )
    parser.add_argument(
        "--literal",
        action="store_true",
        help="Search for the text as it is typed: correct no word.",
    )


def add_example_arguments(parser: CommandParser) -> None:
    """Add --like and --unlike."""
    for name, which in (("--like", "like"), ("--unlike", "unlike")):
        parser.add_argument(
            name,
            metavar="SKU",
            action="append",
            default=[],
            help=f"The sku of a product to be {which}; can be given several times.",
        )


def read_examples(options: dict[str, Any]) -> dict[str, list[Product]]:
    """Return the examples of the command line. Raises CommandError for an unknown sku."""
    return {
        name: require_products(options[name], using=options["database"])
        for name in ("like", "unlike")
    }


def price(text: str) -> Decimal:
    """Return the price an option names."""
    try:
        return Decimal(text)
    except InvalidOperation as err:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a price. Write a number such as 19.99."
        ) from err


def read_filters(options: dict[str, Any]) -> Filters:
    """Return the filters of the command line. Raises SearchError."""
    return Filters(
        categories=tuple(options["category"]),
        min_price=options["min_price"],
        max_price=options["max_price"],
        embedded=options.get("embedded", False),
    )


def require_categories(categories: Sequence[str], *, using: str) -> None:
    """Raise CommandError for a category without products, and name the nearest."""
    products = Product.objects.using(using)
    for category in categories:
        if products.filter(category=category).exists():
            continue
        known = list(
            products.exclude(category="")
            .order_by("category")
            .values_list("category", flat=True)
            .distinct()[:CATEGORIES_READ]
        )
        folded = {name.casefold(): name for name in known}
        nearest = get_close_matches(category.casefold(), folded, n=CATEGORIES_NAMED)
        if nearest:
            advice = f"Did you mean {' or '.join(folded[name] for name in nearest)}?"
        elif known:
            advice = f"There are {len(known)}: {shortened(known)}."
        else:
            advice = "No product has a category."
        raise CommandError(f"There is no category {category!r}. {advice}")


def shortened(names: Sequence[str]) -> str:
    """Return the first few names, and dots where there are more."""
    dots = ["..."] if len(names) > CATEGORIES_NAMED else []
    return ", ".join([*names[:CATEGORIES_NAMED], *dots])


def require_products(skus: Sequence[str], *, using: str) -> list[Product]:
    """Return the products with these skus. Raises CommandError for an unknown one."""
    products = Product.objects.using(using).for_display()
    found = []
    for sku in skus:
        try:
            product = products.filter(sku=sku).first()
        except (DataError, UnicodeEncodeError):  # not a text that PostgreSQL can hold
            product = None
        if not product:
            raise CommandError(
                f"There is no product with the sku {sku!r}. The page of products and "
                "the admin show the skus."
            )
        found.append(product)
    return found


def header(*, compared: bool) -> str:
    """Return the line above the hits.

    compared: whether any of them was compared by meaning; a listing and a search by
    words alone compare none.
    """
    nearness = f"{SIMILARITY}{DISTANCE}" if compared else ""
    return f"{nearness}{'price':>{PRICE_WIDTH}}  product (sku)"


def line(hit: Hit, *, compared: bool) -> str:
    """Return a hit as a line below header()."""
    product = hit.product
    nearness = (
        f"{in_column(hit.similarity, SIMILARITY)}{in_column(hit.distance, DISTANCE)}"
        if compared
        else ""
    )
    return f"{nearness}{product.price:>{PRICE_WIDTH}}  {product.name} ({product.sku})"


def in_column(number: float | None, title: str) -> str:
    """Return a number of four digits below the title of its column, or a hyphen."""
    # Adding 0.0 to what is rounded leaves no "-0.0000".
    text = "-" if number is None else f"{round(number, 4) + 0.0:.4f}"
    return f"{text:>{len(title.rstrip())}}{'':{len(title) - len(title.rstrip())}}"


def why(hit: Hit) -> str:
    """Return what spoke for a hit, besides the numbers of its line."""
    reasons = ["its sku is the text"] if hit.exact else []
    if hit.semantic_rank:
        reasons.append(f"meaning #{hit.semantic_rank}")
    if hit.keyword_rank:
        reasons.append(f"words #{hit.keyword_rank}")
    if hit.words:
        reasons.append(f"has {', '.join(hit.words)}")
    return "; ".join(reasons)


def summary(results: Results) -> str:
    """Return how many were found, and which page of them this is."""
    if not results.total:
        return "Nothing found."
    pages = f", page {results.page} of {results.pages}" if results.pages > 1 else ""
    return f"{results.total_text} found{pages}.".capitalize()


def matching_text(plan: Plan) -> str | None:
    """Return how many rows pass the filters, None where nobody counted them."""
    if plan.matching is None:
        return None
    if plan.partial:  # they were counted up to a bound and one more
        return f"more than {plan.matching - 1:,} rows"
    return f"{plan.matching:,} rows"


def explanation(results: Results, scans: Sequence[Scan]) -> list[str]:
    """Return what was planned, and what PostgreSQL did, in lines."""
    plan, log = results.plan, results.log
    facts = [
        ("mode", results.mode),
        ("plan", PLANS[plan.method]),
        ("reason", plan.reason),
        ("matching", matching_text(plan)),
        ("ef_search", plan.ef_search),
        *(("words", rule) for rule in log.words),
        ("ranked", f"{log.rows:,} rows"),
        ("embedding", f"{log.embedding_ms:.1f} ms"),
        ("SQL", f"{log.sql_ms:.1f} ms, {len(log.statements)} statements"),
        *(("PostgreSQL", scan) for scan in scans),
    ]
    return [f"{name + ':':12}{fact}" for name, fact in facts if fact is not None]


def as_json(results: Results, scans: Sequence[Scan]) -> dict[str, Any]:
    """Return the results as JSON_HELP describes them."""
    first = (results.page - 1) * results.page_size + 1
    log = results.log
    plan = vars(results.plan) | vars(log) | {"statements": len(log.statements)}
    return {
        "mode": str(results.mode),
        "page": results.page,
        "pages": results.pages,
        "page_size": results.page_size,
        "total": results.total,
        "more": results.more,
        "total_text": results.total_text,
        "notice": results.notice,
        "corrected": results.corrected,
        "suggested": results.suggested,
        "hits": [hit_json(hit, rank) for rank, hit in enumerate(results, first)],
        "facets": [
            {"category": category, "count": count} for category, count in results.facets
        ],
        "plan": plan,
        "scans": [vars(scan) for scan in scans],
    }


def hit_json(hit: Hit, rank: int) -> dict[str, Any]:
    """Return a hit as JSON_HELP describes it."""
    product = hit.product
    return {
        "rank": rank,
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "price": str(product.price),
        "score": hit.score,
        "similarity": hit.similarity,
        "distance": hit.distance,
        "semantic_rank": hit.semantic_rank,
        "keyword_rank": hit.keyword_rank,
        "words": list(hit.words),
        "exact": hit.exact,
    }
