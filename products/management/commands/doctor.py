"""`manage.py doctor`: print the eight figures that an operator looks at first."""

from __future__ import annotations

import json
from typing import Any

from django.core.management import CommandError, CommandParser

from products.management.base import ShopCommand
from products.watching.figures import Figure, figures


class Command(ShopCommand):
    help = (
        "Print the eight figures that an operator looks at first, now, a day and a week "
        "ago, and what to do. The exit status is 1 when one needs attention."
    )
    about = (
        "With --json each figure has name, value, day_ago, week_ago (null: not known), "
        "needs_attention and advice. Shares are from 0 to 1, times in seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_database_argument(parser, "The database to look at.")
        self.add_json_argument(parser)

    def handle(self, *, database: str, json: bool, **options: Any) -> None:
        found = figures(using=database)
        if json:
            self.stdout.write(as_json(found))
        else:
            self.write_table(found)
        if bad := sum(figure.needs_attention for figure in found):
            raise CommandError(f"{bad} of {len(found)} figures need attention.")

    def write_table(self, found: list[Figure]) -> None:
        """Write a line for each figure, and below it what to do."""
        self.stdout.write(f"{'':36}{'now':>10}{'a day ago':>12}{'a week ago':>12}")
        for figure in found:
            line = (
                f"{figure.label:36}{figure.text:>10}{figure.day_ago_text:>12}"
                f"{figure.week_ago_text:>12}"
            )
            style = self.style.ERROR if figure.needs_attention else str
            self.stdout.write(style(line))
            if figure.advice:
                self.stdout.write(f"    {figure.advice}")


def as_json(found: list[Figure]) -> str:
    """Return the figures for a program."""
    return json.dumps(
        [
            {
                "name": figure.kind.name,
                "value": figure.value,
                "day_ago": figure.day_ago,
                "week_ago": figure.week_ago,
                "needs_attention": figure.needs_attention,
                "advice": figure.advice,
            }
            for figure in found
        ],
        indent=2,
    )
