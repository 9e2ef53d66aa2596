"""`manage.py set_up_database`: what a deployment does to its database, once for all."""

from __future__ import annotations

from typing import Any

from django.core.management import (
    BaseCommand,
    CommandError,
    CommandParser,
    call_command,
)
from django.db import connection

from products.models import Product
from products.samples import load_sample_products
from vectorshop.azure import roles
from vectorshop.azure.options import object_id as parse_object_id


class Command(BaseCommand):
    help = (
        "Make the app's role, migrate, and load the samples into an empty catalogue. A "
        "deployment runs it as the administrator before a new version serves; running "
        "it again changes nothing more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--role",
            metavar="NAME",
            help="On Azure: make a role of this name that may read and write rows, and "
            "an owner of the tables; DB_ASSUME_ROLE then names the owner.",
        )
        parser.add_argument(
            "--object-id",
            metavar="ID",
            type=parse_object_id,
            help="The object id (principalId) of the role's managed identity.",
        )
        parser.add_argument(
            "--samples",
            action="store_true",
            help="Load the ten sample products where there is no product.",
        )

    def handle(
        self, *, role: str | None, object_id: str | None, samples: bool, **options: Any
    ) -> None:
        if bool(role) != bool(object_id):
            raise CommandError("--role and --object-id go together.")
        if role and object_id:
            self.make_role(roles.Principal(role, object_id))
        call_command("migrate", interactive=False, stdout=self.stdout)
        if not samples:
            self.stdout.write("The database is up to date.")
        elif Product.objects.exists():
            self.stdout.write("The catalogue has products, so no samples are loaded.")
        else:
            self.stdout.write(f"Loaded {load_sample_products()} sample products.")

    def make_role(self, principal: roles.Principal) -> None:
        for statement in roles.create(roles.own_session(connection), principal):
            self.stdout.write(f"{statement};")
