"""`manage.py backup FILE`: write the whole database into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import CommandParser
from django.db import connections
from django.template.defaultfilters import filesizeformat

from products.logged import DaySalt
from products.management.base import ShopCommand
from vectorshop.db.backups import BackupError, back_up


class Command(ShopCommand):
    help = "Write the whole database into a file that only you may read."
    about = (
        "The shop goes on meanwhile. Uploaded pictures are files of their own: copy the\n"
        "folder MEDIA_ROOT as well. `manage.py restore` reads the file."
    )
    expected = (BackupError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The file to write.")
        self.add_database_argument(parser, "The database to write.")

    def handle(self, *, file: Path, database: str, **options: Any) -> None:
        # A kept salt would let somebody find out whose a visitor's key was.
        size = back_up(connections[database], file, empty=[DaySalt._meta.db_table])
        self.stdout.write(f"Wrote {file}, {filesizeformat(size)}.")
