"""Writes the log, behind the visitors' backs: no page waits for it.

Pages put in what they note. The thread makes the visitors' keys, and writes in batches.
What the database does not take is dropped and counted.
"""

from __future__ import annotations

import logging

from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    close_old_connections,
    connections,
    transaction,
)

from products.logged import LoggedEvent, LoggedQuery
from products.search_log.half_typed import forget_half_typed
from products.search_log.visitors import Salts, Visitor
from vectorshop.batches import Batches

logger = logging.getLogger(__name__)

Noted = tuple[Visitor, LoggedQuery | LoggedEvent]


class Writer(Batches[Noted]):
    """Writes what is noted, with the key of its visitor.

    written, lost: how many notes of this process the database took, and did not take.
    """

    name = "search-log"

    def forget(self) -> None:
        super().forget()
        self.salts = Salts()
        self.written = self.lost = 0

    def run(self) -> None:
        super().run()
        connections.close_all()

    def rest(self) -> None:
        """Look after the thread's connection, as a request does at its end."""
        close_old_connections()

    def handle(self, batch: list[Noted]) -> None:
        """Write a batch to the primary, or drop it."""
        try:
            self.store(batch)
        except Error as err:
            self.lost += len(batch)
            logger.warning(
                "The search log lost %s entries: %s", len(batch), str(err).strip()
            )
        else:
            self.written += len(batch)

    def store(self, batch: list[Noted]) -> None:
        """Write a batch in one transaction. Raises django.db.Error."""
        salt = self.salts.today()
        for visitor, row in batch:
            row.client_id = visitor.key(salt)
        searches = [row for _, row in batch if isinstance(row, LoggedQuery)]
        events = [row for _, row in batch if isinstance(row, LoggedEvent)]
        with transaction.atomic(using=DEFAULT_DB_ALIAS):
            LoggedQuery.objects.using(DEFAULT_DB_ALIAS).bulk_create(searches)
            LoggedEvent.objects.using(DEFAULT_DB_ALIAS).bulk_create(
                events, ignore_conflicts=True
            )
            forget_half_typed(search.query_id for search in searches if search.typed)


writer = Writer()
