"""Keys of the JSON API: who made a request, and what it may do.

A key is shown once, to whoever makes it. The database keeps its hash alone.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Programs that look for secrets in published files know a key by its beginning.
BEGINNING = "vs_"
SECRET_BYTES = 32
KEY = re.compile(BEGINNING + r"[A-Za-z0-9_-]{43}")
PREFIX_LENGTH = len(BEGINNING) + 8
MAX_NAME = 100
MAX_DAYS = 3650
DAYS = 365  # until a key expires, unless somebody says otherwise
# A use is written down once in so long, so that a busy key costs no write per request.
USED_EVERY = datetime.timedelta(minutes=1)


class Scope(models.TextChoices):
    """What a key is for. What its owner may not do, it may not do either."""

    READ = "read", _("read")
    EXPLAIN = "explain", _("explain")
    WRITE = "write", _("write")


@sensitive_variables("key")
def hash_of(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal.

    A password needs a slow hash and a salt, because people choose passwords that can be
    guessed. Nobody guesses 256 random bits, so that a quick hash without salt will do,
    and a key is found by an index. That search tells an attacker nothing by its time:
    who sends a key cannot choose the hash that it has.
    """
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys, made and found by their hash."""

    def make(
        self, *, name: str, user: User, scopes: Iterable[str], days: int | None = DAYS
    ) -> ApiKey:
        """Return a new, stored key; `key` is what its user sends, and is not stored.

        days: how long it is valid; None: until somebody revokes it.
        """
        made = ApiKey(name=name, user=user, scopes=list(scopes))
        made.set_key(days=days)
        made.save(force_insert=True)
        return made

    def with_hash(self, digest: str) -> ApiKey | None:
        """Return the key that has a hash, and its owner; None for no such key."""
        return self.select_related("user").filter(hash=digest).first()

    def revoke(self) -> int:
        """Return how many keys were revoked; those that were already stay as they are."""
        return self.filter(revoked_at=None).update(revoked_at=Now())

    def of(self, user: User) -> Self:
        """Return the keys that a user may see: their own, a superuser those of all."""
        return self.all() if user.is_superuser else self.filter(user=user)


class ApiKey(models.Model):
    """A key, of which the shop knows no more than the beginning and the hash.

    `products/permissions.py` asks what its owner may write, as it does for a page.
    """

    name = models.CharField(
        _("name"), max_length=MAX_NAME, help_text=_("What the key is for.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
        verbose_name=_("owner"),
    )
    prefix = models.CharField(
        _("begins with"), max_length=PREFIX_LENGTH, editable=False
    )
    hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=10, choices=Scope), verbose_name=_("scopes")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, editable=False
    )
    last_used_at = models.DateTimeField(
        _("last used at"), null=True, blank=True, editable=False
    )
    revoked_at = models.DateTimeField(
        _("revoked at"), null=True, blank=True, editable=False
    )

    objects = ApiKeyQuerySet.as_manager()

    key = ""  # what its user sends: only here, and only right after it was made

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        db_table = "products_api_key"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="products_api_key_has_scopes",
                condition=models.Q(scopes__len__gt=0),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def set_key(self, *, days: int | None) -> None:
        """Set a new random key, its hash, its beginning, and when it expires."""
        self.key = BEGINNING + secrets.token_urlsafe(SECRET_BYTES)
        self.hash, self.prefix = hash_of(self.key), self.key[:PREFIX_LENGTH]
        valid = datetime.timedelta(days=days) if days else None
        self.expires_at = timezone.now() + valid if valid else None

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def state(self) -> str:
        """Whether it works, in one word or two."""
        if self.revoked_at:
            return gettext("revoked")
        if self.is_expired:
            return gettext("expired")
        return gettext("valid") if self.user.is_active else gettext("owner inactive")

    def why_refused(self) -> str:
        """Return why the key is not taken, in English; "" if it is."""
        if self.revoked_at:
            return "This API key was revoked. Make another one."
        if self.is_expired:
            return f"This API key expired on {self.expires_at:%Y-%m-%d}. Make another."
        if not self.user.is_active:
            return "The owner of this API key may not sign in any more."
        return ""

    def note_use(self) -> None:
        """Write down that the key was used, at most once in USED_EVERY.

        On the primary, also for a request that reads from a standby. Raises
        OperationalError or InterfaceError where the primary is away.
        """
        now = timezone.now()
        if self.last_used_at and now - self.last_used_at < USED_EVERY:
            return
        # A standby may be late, and show an older use than the primary has.
        stale = models.Q(last_used_at=None) | models.Q(
            last_used_at__lte=now - USED_EVERY
        )
        keys = ApiKey.objects.using(DEFAULT_DB_ALIAS).filter(stale, pk=self.pk)
        keys.update(last_used_at=now)
