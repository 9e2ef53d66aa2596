#!/usr/bin/env python
"""Command line of the project: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError, ProgrammingError
    except ImportError as err:
        raise SystemExit(
            "Django is not installed for this Python. Run `make demo`, or use the "
            "project's own Python: .venv/bin/python manage.py ..."
        ) from err
    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError) as err:
        if "--traceback" in sys.argv:
            raise
        raise SystemExit(database_trouble(str(err))) from err
    except ImproperlyConfigured as err:
        if "--traceback" in sys.argv:
            raise
        raise SystemExit(f"The settings are not right: {err}") from err


def database_trouble(message: str) -> str:
    """Return what to tell a user whose command the database refused."""
    lines = [f"The database says: {message.strip()}"]
    if 'relation "' in message and "does not exist" in message:
        lines.append("The tables are not there yet: run manage.py migrate.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
