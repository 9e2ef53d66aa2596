"""`manage.py api_key`: make, list and revoke the keys of the JSON API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import CommandError, CommandParser
from django.utils.formats import date_format

from products.api_keys import DAYS, MAX_DAYS, MAX_NAME, ApiKey, Scope
from products.management.base import ShopCommand


class Command(ShopCommand):
    help = "Make, list and revoke the keys of the JSON API."
    about = (
        "A key is written to standard output once, and kept nowhere: the database has its\n"
        "hash alone. It may write what its owner may, if it has the scope `write`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        does = parser.add_subparsers(dest="does", required=True, metavar="ACTION")
        create = does.add_parser("create", help="Make a key and show it once.")
        create.add_argument("name", help="What the key is for.")
        create.add_argument("--user", required=True, help="Its owner's name.")
        create.add_argument(
            "--scope",
            dest="scopes",
            action="append",
            required=True,
            choices=Scope.values,
            help="What the key may do; may be given several times.",
        )
        create.add_argument(
            "--days",
            type=int,
            default=DAYS,
            help=f"Days until it expires (default {DAYS}), 0: never.",
        )
        does.add_parser("list", help="List all keys.")
        revoke = does.add_parser("revoke", help="Let a key work no more.")
        revoke.add_argument(
            "prefix", help="The beginning of the key, as `list` has it."
        )

    def handle(self, *, does: str, **options: Any) -> None:
        match does:
            case "create":
                self.create(**options)
            case "list":
                self.list()
            case "revoke":
                self.revoke(options["prefix"])

    def create(
        self, *, name: str, user: str, scopes: list[str], days: int, **options: Any
    ) -> None:
        """Make a key; write it to standard output, and what it is to the other."""
        if not 0 <= days <= MAX_DAYS:
            raise CommandError(f"--days takes 1 to {MAX_DAYS}, or 0 for no end.")
        if not 0 < len(name) <= MAX_NAME:
            raise CommandError(f"The name has 1 to {MAX_NAME} characters.")
        if not name.isprintable():
            raise CommandError(
                f"The name {name!r} has characters that cannot be printed. Leave them out."
            )
        owner = get_user_model().objects.filter(username=user).first()
        if owner is None:
            raise CommandError(
                f"There is no user {user!r}. Make one: manage.py createsuperuser, or in "
                "the admin."
            )
        made = ApiKey.objects.make(
            name=name, user=owner, scopes=sorted(set(scopes)), days=days or None
        )
        self.stdout.write(made.key)
        self.stderr.write(f"{described(made)}. Keep the key: it is not shown again.")

    def list(self) -> None:
        """Write one line for each key."""
        keys = ApiKey.objects.select_related("user")
        for key in keys:
            self.stdout.write(f"{described(key)}; {key.state}; {used(key)}")
        self.stdout.write(f"API keys: {len(keys)}.")

    def revoke(self, prefix: str) -> None:
        """Revoke the key that begins with *prefix*."""
        found = ApiKey.objects.filter(prefix=prefix)
        if not found:
            raise CommandError(
                f"No API key begins with {prefix!r}. See manage.py api_key list."
            )
        revoked = found.revoke()
        if not revoked:
            raise CommandError(f"The API key {prefix} was revoked before.")
        self.stdout.write(self.style.SUCCESS(f"Revoked the API key {prefix}."))


def described(key: ApiKey) -> str:
    """Return what a key is, without the key."""
    end = date_format(key.expires_at, "Y-m-d") if key.expires_at else "never"
    scopes = ", ".join(key.scopes)
    return f"{key.prefix}: {key.name!r} of {key.user}; {scopes}; expires {end}"


def used(key: ApiKey) -> str:
    """Return when a key was used last."""
    if key.last_used_at is None:
        return "never used"
    return f"used {date_format(key.last_used_at, 'Y-m-d H:i')}"
