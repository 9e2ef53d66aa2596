"""`manage.py replicas`: say how the standbys are, and how one is made."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error

from vectorshop.db.standbys import Standby, conflict_text, lag_text, look_at
from vectorshop.replicas import WRITTEN, one_row, replica_aliases

PAUSE_SECONDS = 0.2

SETUP = """\
A standby of a PostgreSQL server of your own, in four steps:

1. On the primary, in psql, a role for the stream; add its line to pg_hba.conf
   (host replication replicator STANDBY/32 scram-sha-256) and reload:
     CREATE ROLE replicator LOGIN REPLICATION PASSWORD '…';
2. On the primary, a slot, which keeps the log until the standby has it:
     SELECT pg_create_physical_replication_slot('shop_standby');
3. On the standby, the copy; -R writes the settings of a standby into it:
     pg_basebackup -h PRIMARY -U replicator -D DATA_FOLDER -R -S shop_standby
4. On the standby, let no reader hold back what the primary does, and start:
     echo "max_standby_streaming_delay = 5s" >> DATA_FOLDER/postgresql.conf
     pg_ctl -D DATA_FOLDER start

On Azure: ./azdeploy.sh replica NAME

Then set DB_REPLICA_HOSTS=STANDBY (several: separated by commas, each host or host:port)
where the shop runs, and run manage.py replicas again.
"""


class Command(BaseCommand):
    help = (
        "Show whether each standby of DB_REPLICA_HOSTS answers, follows this primary, "
        "and how late it is. Ends with status 1 if one of them is unfit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait",
            type=float,
            nargs="?",
            const=60.0,
            metavar="SECONDS",
            help="First wait until all have replayed what the primary has written by "
            "now, for 60 seconds unless you say otherwise.",
        )
        parser.add_argument(
            "--setup", action="store_true", help="Say how a standby is made."
        )

    def handle(self, *, wait: float | None, setup: bool, **options: Any) -> None:
        aliases = replica_aliases()
        if setup or not aliases:
            if not setup:
                self.stdout.write("DB_REPLICA_HOSTS names no standby.\n\n")
            self.stdout.write(SETUP)
            return
        if wait is None:
            standbys = [look_at(alias) for alias in aliases]
        else:
            standbys = self.wait_for(aliases, wait)
        unfit = [standby for standby in standbys if self.show(standby)]
        if unfit:
            names = ", ".join(standby.alias for standby in unfit)
            raise CommandError(f"Unfit: {names}.")

    def wait_for(self, aliases: list[str], seconds: float) -> list[Standby]:
        """Return the standbys once they have what the primary has now.

        Raises CommandError if that takes more than *seconds*, or the primary is away.
        """
        try:
            [written] = one_row(DEFAULT_DB_ALIAS, WRITTEN)
        except Error as err:
            raise CommandError(f"The primary does not answer: {err}") from err
        deadline = time.monotonic() + seconds
        while True:
            standbys = [look_at(alias) for alias in aliases]
            late = [
                standby.alias
                for standby in standbys
                if standby.position is None or not standby.position.has(written)
            ]
            if not late:
                return standbys
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Not after {seconds:g} s: {', '.join(late)} lack what the primary "
                    "has. manage.py replicas shows why."
                )
            time.sleep(PAUSE_SECONDS)

    def show(self, standby: Standby) -> bool:
        """Write how a standby is; return whether it is unfit."""
        host = settings.DATABASES[standby.alias].get("HOST") or "embedded"
        faults = list(standby.faults())
        if position := standby.position:
            delay = conflict_text(standby.conflict_ms)
            self.stdout.write(
                f"{standby.alias} ({host}): {lag_text(position)} the primary, "
                f"max_standby_streaming_delay {delay}"
            )
        else:
            self.stdout.write(f"{standby.alias} ({host})")
        for fault in faults:
            self.stdout.write(f"  {fault.msg}\n  {fault.hint}")
        return bool(faults)
