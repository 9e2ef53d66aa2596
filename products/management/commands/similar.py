"""`manage.py similar`: print the products most like one or several of them."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, CommandParser

from products.management.searching import SearchCommand, require_products
from products.models import Product
from products.search.question import MAX_PAGE_SIZE


class Command(SearchCommand):
    help = (
        "List the products most like one or several, nearest first, with their "
        "similarity, cosine distance and price."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "sku", nargs="+", help="The skus of the products to be like."
        )
        parser.add_argument(
            "--not",
            dest="unlike",
            metavar="SKU",
            nargs="+",
            action="extend",
            default=[],
            help="The skus of products to be unlike.",
        )
        parser.add_argument(
            "-n",
            "--limit",
            type=int,
            default=5,
            help=f"How many to list, 1 to {MAX_PAGE_SIZE} (default 5).",
        )
        super().add_arguments(parser)

    def handle(self, **options: Any) -> None:
        if not 1 <= options["limit"] <= MAX_PAGE_SIZE:
            raise CommandError(
                f"--limit takes a whole number from 1 to {MAX_PAGE_SIZE}."
            )
        like, unlike = (
            require_products(options[name], using=options["database"])
            for name in ("sku", "unlike")
        )
        self.require_embeddings([*like, *unlike], using=options["database"])
        self.run(options, like=like, unlike=unlike)

    def require_embeddings(self, products: list[Product], *, using: str) -> None:
        """Raise CommandError for a product that nothing can be compared with."""
        bare = (
            Product.objects.using(using)
            .filter(pk__in=[product.pk for product in products], embedding=None)
            .first()
        )
        if bare:
            missing = bare.needs_embedding()
            advice = " Run manage.py embed_products." if missing else ""
            raise CommandError(bare.why_without_embedding() + advice)
