"""`manage.py migrate_embeddings`: change the embedding model while the shop runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, CommandParser

from products.embeddings import EmbeddingError, load_backend
from products.management.base import INTERRUPTED, ShopCommand
from products.management.impact_report import SECONDS, report
from products.models import EmbeddingRecipe, Product
from products.quality.agreement import (
    Agreement,
    agreement_on_products,
    agreement_on_queries,
)
from products.quality.evaluation import TOP
from products.quality.impact import impact_of_model, logged_queries, queries_of
from products.quality.judged import (
    EvaluationError,
    Grades,
    read_judged,
    read_queries,
)
from products.upkeep import switching, vector_index
from products.upkeep.pending import Failures, embed_column
from products.upkeep.second_column import SecondEmbedding
from products.upkeep.switching import SwitchError
from products.upkeep.vector_index import IndexBuildError
from products.upkeep.worker import stop_on_signals


class Command(ShopCommand):
    expected = (
        SwitchError,
        EmbeddingError,
        EvaluationError,
        ImproperlyConfigured,
        IndexBuildError,
    )
    help = (
        "Change the embedding model without taking the shop down. --to fills a second "
        "column while the first is served, and can be stopped and run again, also "
        "several at once; --switch serves it, --rollback goes back, --finish drops "
        "what is served no more. Without an option, shows how things stand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        step = parser.add_mutually_exclusive_group()
        step.add_argument(
            "--to",
            metavar="RECIPE",
            help="Embed everything by this backend as well: the dotted path of its "
            "class, or the name of a module of products.embeddings.",
        )
        for name, text in (
            ("--report", "Compare the two recipes; --to does so at its end."),
            ("--switch", "Serve the second column from now on, and keep the first."),
            ("--rollback", "Serve again what was served before the switch."),
            ("--finish", "Drop the column that is served no more, and its index."),
            ("--abort", "Drop the second column although it was never served."),
        ):
            step.add_argument(name, action="store_true", help=text)
        parser.add_argument(
            "--incomplete",
            action="store_true",
            help="Let --switch lose products that the new recipe could not embed.",
        )
        parser.add_argument(
            "--queries", type=Path, help="Also compare these: TSV of id and text."
        )
        parser.add_argument(
            "--judgements",
            type=Path,
            help="With --queries: TSV of query id, sku and grade, for nDCG@10.",
        )
        parser.add_argument(
            "--sample",
            type=int,
            default=200,
            help="How many products to compare, 1 to 10000 (default 200).",
        )
        self.add_database_argument(parser, "The database to work in.")

    def handle(self, *, database: str, **options: Any) -> None:
        self.using = database
        if options["to"]:
            self.fill(options["to"])
        if options["to"] or options["report"]:
            self.write_agreement(options)
        if options["switch"]:
            switching.switch(using=database, incomplete=options["incomplete"])
        if options["rollback"]:
            switching.roll_back(using=database)
        if options["finish"] or options["abort"]:
            switching.drop_second(using=database, abort=options["abort"])
        self.write_state()

    # Filling

    def fill(self, name: str) -> None:
        """Fill the second column by a backend and build its index."""
        path = backend_path(name)
        recipe = switching.begin(path, load_backend(path), using=self.using)
        failures = self.embed(recipe)
        with self.index_bar() as show:
            vector_index.ensure_index(
                vector_index.configured_second_kind(),
                using=self.using,
                on_progress=show,
            )
        for reason in failures.reasons.values():
            self.stderr.write(self.style.WARNING(f"Not embedded: {reason}"))

    def embed(self, recipe: EmbeddingRecipe) -> Failures:
        """Embed what the second column needs; return the texts that failed."""
        failures = Failures()
        second = SecondEmbedding.objects.using(self.using)
        total = second.needs_embedding(recipe.second_fingerprint).count()
        with (
            stop_on_signals() as stop,
            self.bar(total=total, unit=" texts") as bar,
        ):
            for count in embed_column(
                SecondEmbedding, using=self.using, failures=failures
            ):
                bar.update(count)
                if stop.is_set():
                    raise CommandError(
                        "Stopped. What was embedded stays; run the command again to "
                        "go on.",
                        returncode=INTERRUPTED,
                    )
        return failures

    # Writing how things stand

    def write_agreement(self, options: dict[str, Any]) -> None:
        """Write how far the two recipes agree."""
        recipe = EmbeddingRecipe.objects.current(self.using)
        if not recipe.second_backend:
            raise CommandError("There is no second recipe to compare with.")
        if not 1 <= options["sample"] <= 10_000:
            raise CommandError("--sample takes a whole number from 1 to 10000.")
        if options["judgements"] and not options["queries"]:
            raise CommandError("--judgements needs --queries.")
        products = agreement_on_products(
            recipe, sample=options["sample"], using=self.using
        )
        if products is None:
            self.stdout.write("No product is embedded by both recipes.")
            return
        self.write_overlap("similar products", products)
        if options["queries"]:
            self.write_queries(recipe, options["queries"], options["judgements"])
        if options["queries"] or logged_queries(self.using):
            self.write_impact(recipe, options["queries"], options["verbosity"])

    def write_impact(
        self, recipe: EmbeddingRecipe, path: Path | None, verbosity: int
    ) -> None:
        """Write which searches a switch would change, before and after."""
        queries = queries_of(path, using=self.using)
        with self.bar(total=len(queries.texts), unit=" searches") as bar:
            impact = impact_of_model(
                recipe,
                queries,
                using=self.using,
                seconds=SECONDS,
                progress=bar.update,
            )
        for line in report(impact, verbosity):
            self.stdout.write(line)

    def write_queries(
        self, recipe: EmbeddingRecipe, queries: Path, judgements: Path | None
    ) -> None:
        """Write how the results of queries agree, and how good they are."""
        grades: dict[str, Grades] = {}
        if judgements:
            judged = read_judged(queries, judgements, using=self.using)
            texts, grades = judged.texts, judged.grades
        else:
            texts = read_queries(queries)
        found = agreement_on_queries(recipe, texts, grades, using=self.using)
        self.write_overlap("queries", found)
        if found.served_ndcg is not None and found.second_ndcg is not None:
            self.stdout.write(
                f"nDCG@{TOP} over {found.judged} judged queries: "
                f"{found.served_ndcg:.3f} by {recipe.fingerprint}, "
                f"{found.second_ndcg:.3f} by {recipe.second_fingerprint}. Both are of "
                "the nearest neighbours alone; manage.py evaluate_search measures the "
                "whole search."
            )

    def write_overlap(self, what: str, found: Agreement) -> None:
        self.stdout.write(
            f"Of the first {TOP} results, {found.overlap:.0%} are the same "
            f"({what}: {found.count})."
        )

    def write_state(self) -> None:
        """Write what is served, what else there is, and what to do next."""
        recipe = EmbeddingRecipe.objects.current(self.using)
        served = Product.objects.using(self.using).embedding_states(recipe.fingerprint)
        self.stdout.write(self.style.SUCCESS(f"Served: {recipe}, {counts(served)}."))
        if not recipe.second_backend:
            return
        second = SecondEmbedding.objects.using(self.using).embedding_states(
            recipe.second_fingerprint
        )
        kind = "Being filled" if recipe.is_filling else "Kept"
        line = f"{kind}: {recipe.second_fingerprint}, {counts(second)}."
        self.stdout.write(line)
        indexed = vector_index.is_usable(
            vector_index.configured_second_kind(), using=self.using
        )
        self.stdout.write(next_step(recipe, indexed=indexed))


def backend_path(name: str) -> str:
    """Return the dotted path of a backend given by its path or its module's name."""
    return name if "." in name else f"products.embeddings.{name}.EmbeddingBackend"


def counts(states: dict[str, int]) -> str:
    """Return the states of products as words: `9 fresh, 1 stale`."""
    order = ("fresh", "stale", "missing", "other_recipe", "unknown")
    words = [
        f"{states[name]} {name.replace('_', ' ')}"
        for name in order
        if states[name] or name == "fresh"
    ]
    return ", ".join(words)


def next_step(recipe: EmbeddingRecipe, *, indexed: bool) -> str:
    """Return what the operator can do next."""
    command = "manage.py migrate_embeddings"
    if recipe.is_filling and indexed:
        return f"Next: {command} --switch"
    if recipe.is_filling:
        return f"Next: {command} --to {recipe.second_backend}"
    advice = f"Next: {command} --rollback, or --finish"
    if recipe.backend != settings.EMBEDDING_BACKEND:
        advice += f"; and set EMBEDDING_BACKEND={recipe.backend}"
    return advice
