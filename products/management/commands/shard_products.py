"""`manage.py shard_products`: spread the products over the servers of a Citus cluster."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import Error

from products.catalog.untidy import find_untidy
from products.management.base import ShopCommand, database_problem
from products.models import Product
from products.numbers import grouped
from products.quality.recall import index_quality
from products.sql.sharding import ShardError, is_sharded
from products.upkeep import shards
from products.upkeep.shard_faults import faults, shards_with_index
from products.upkeep.shards import ShardingError
from products.upkeep.vector_index import configured_kind

MOST_SHARDS = 1_000


class Command(ShopCommand):
    expected = (ShardingError, ShardError)
    help = (
        "Spread the products over the servers of a Citus cluster, for a catalogue that "
        "is too large for one. Nobody can use the shop meanwhile; products get new ids."
    )
    about = (
        "Before it, back the database up, and stop the web servers and the worker.\n"
        "Start them anew afterwards. See docs/scaling.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        only = parser.add_mutually_exclusive_group()
        only.add_argument(
            "--check",
            action="store_true",
            help="Say whether the products can be spread or, on a cluster that has them, "
            "whether all is well. Change nothing.",
        )
        only.add_argument(
            "--dry-run",
            action="store_true",
            help="Print the statements that would run. Change nothing.",
        )
        parser.add_argument(
            "--shards",
            type=int,
            metavar="N",
            help="In how many parts (default: two for each server). Every search asks "
            "each of them.",
        )
        self.add_database_argument(parser, "The coordinator of the cluster.")

    def handle(self, *, database: str, **options: Any) -> None:
        count = options["shards"]
        if count is not None and not 1 <= count <= MOST_SHARDS:
            raise CommandError(f"--shards takes a number from 1 to {MOST_SHARDS}.")
        try:
            if options["check"] and is_sharded(database):
                self.check_cluster(database)
                return
            nodes = shards.check_server(database)
            count = count or 2 * nodes
            self.check_catalogue(database)
            if options["check"]:
                self.stdout.write(
                    f"The products can be spread, in {count} shards on {nodes} servers."
                )
            elif options["dry_run"]:
                for statement in shards.statements(database, shards=count, nodes=nodes):
                    self.stdout.write(f"{statement};")
            else:
                self.spread(database, count, nodes)
        except Error as err:
            raise CommandError(database_problem(err)) from err

    def check_catalogue(self, database: str) -> None:
        """Raise ShardingError for products that cannot be spread."""
        shards.check_products(database)
        for product in find_untidy(database):
            if "sku" in product.tidy or product.problem.startswith("sku"):
                raise ShardingError(
                    f"The sku {product.sku!r} is untidy, and could not be corrected on "
                    "shards. First run manage.py tidy_texts --apply."
                )

    def spread(self, database: str, count: int, nodes: int) -> None:
        """Spread the products, and look whether all is well."""
        before = Product.objects.using(database).count()
        shards.spread(database, shards=count, nodes=nodes, progress=self.say)
        after = Product.objects.using(database).count()
        if after != before:
            raise ShardingError(
                f"There were {before} products, and the shards have {after}. Restore the "
                "backup."
            )
        self.stdout.write(
            self.style.SUCCESS(
                f"Spread {grouped(after)} products over {count} shards on {nodes} servers."
            )
        )
        self.check_cluster(database)

    def check_cluster(self, database: str) -> None:
        """Say how well the shards search, and what is wrong."""
        indexed, count = shards_with_index(database)
        self.stdout.write(f"{indexed} of {count} shards search by their index.")
        if Product.objects.using(database).embedded().exists():
            quality = index_quality(configured_kind(), using=database)
            self.stdout.write(
                f"Of the ten nearest of 50 products, {quality.recall:.1%} are found."
            )
        if found := list(faults(database)):
            raise CommandError("\n".join(found))

    def say(self, statement: str) -> None:
        if not self.quiet:
            self.stdout.write(f"{statement};")
            self.stdout.flush()
