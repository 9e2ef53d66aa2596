"""Synonyms: the words that a search takes for others, as the staff says."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.cache import cache
from django.db import models, router, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

MAX_WORDS = 20  # on each side
MAX_LENGTH = 100  # characters of a word

# Of all synonyms together. A search reads them all once a minute, and folds them after a
# change; so many words take half a second.
MOST_WORDS = 10_000

# So long may another process search with the synonyms it has read.
KEPT_SECONDS = 60


class Synonym(models.Model):
    """Words that mean the same, or words whose search finds others as well.

    finds: empty where all *words* mean the same ("sofa, couch, settee"). Otherwise a
    search for any of the *words* also finds these, not the other way round ("tv" finds
    "television"). A word may be a phrase. `products/search/synonyms.py` checks both.
    """

    words = ArrayField(
        models.CharField(max_length=MAX_LENGTH),
        verbose_name=_("words"),
        size=MAX_WORDS,
    )
    finds = ArrayField(
        models.CharField(max_length=MAX_LENGTH),
        verbose_name=_("also finds"),
        size=MAX_WORDS,
        blank=True,
        default=list,
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("synonym")
        verbose_name_plural = _("synonyms")
        db_table = "products_synonym"
        ordering = ["words", "pk"]
        constraints = [
            models.CheckConstraint(
                name="products_synonym_has_words",
                condition=models.Q(words__len__gt=0),
                violation_error_message=_("Name at least one word."),
            )
        ]

    def __str__(self) -> str:
        words = ", ".join(self.words)
        return f"{words} → {', '.join(self.finds)}" if self.finds else words


# What processes know of the table

NONE = "none"  # the version of an empty table


def version(using: str) -> str:
    """Return a text that another follows after each change, or within a minute.

    NONE where a search saw that there are no synonyms. It is kept in the cache, which
    each process has for itself or all share.
    """
    return str(cache.get_or_set(key(using), new_version, KEPT_SECONDS))


def note_synonyms(exist: bool, *, using: str) -> None:
    """Take down whether there are synonyms, as a statement of a search saw it."""
    if not exist:
        cache.set(key(using), NONE, KEPT_SECONDS)
    elif cache.get(key(using)) == NONE:
        cache.delete(key(using))


def forget(using: str) -> None:
    """Let this process, or all that share its cache, read the synonyms again.

    At once, for the rest of a transaction, and at its end, since until then another
    thread reads what was there before.
    """
    cache.delete(key(using))
    transaction.on_commit(lambda: cache.delete(key(using)), using=using)


def key(using: str) -> str:
    return f"synonyms-{using}"


def new_version() -> str:
    return uuid.uuid4().hex


@receiver([post_save, post_delete], sender=Synonym)
def forget_changed(using: str | None = None, **kwargs: Any) -> None:
    """Let a synonym that was saved or deleted count from now on."""
    forget(using or router.db_for_write(Synonym))
