#!/usr/bin/env python
"""Command line of the project: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as err:
        raise SystemExit(
            "Django is not installed for this Python. Run `make demo`, or use the "
            "project's own Python: .venv/bin/python manage.py ..."
        ) from err
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
