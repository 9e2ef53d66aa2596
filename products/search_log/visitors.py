"""Who searches: a key that tells visitors apart for a day, and says nobody's name."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import date

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.utils import timezone

from products.logged import CLIENT_LENGTH, DaySalt
from vectorshop.logins import client_address
from vectorshop.privacy import refuses_tracking

# What programs that read pages call themselves. All browsers begin with "Mozilla", or in
# old times with "Opera", and name no address. A Cubot is a telephone.
ROBOT = re.compile(
    r"^(?!Mozilla/|Opera/)|(?<!cu)bot\b|crawl|spider|slurp|preview|https?:",
    re.IGNORECASE,
)
SALT_BYTES = 32


@dataclass(frozen=True)
class Visitor:
    """What a request says of its sender. It stays in memory until the key is made."""

    address: str
    agent: str

    def key(self, salt: bytes) -> str:
        """Return the visitor's key of the day that *salt* is of.

        Without the salt it cannot be made again, so that nobody can try out addresses.
        """
        text = f"{self.address}\n{self.agent}".encode()
        return hmac.new(salt, text, hashlib.sha256).hexdigest()[:CLIENT_LENGTH]


def visitor_of(request: HttpRequest, *, by_program: bool = False) -> Visitor | None:
    """Return who sent a request, None for whom the log leaves out.

    Those are programs that read pages, browsers that load a page before anybody asked
    for it, and people whose browser says that they do not want to be tracked.
    by_program: the address is for programs, who ask there for somebody.
    """
    agent = request.headers.get("User-Agent", "")
    if request.method == "HEAD" or (ROBOT.search(agent) and not by_program):
        return None
    if is_ahead(request) or refuses_tracking(request):
        return None
    return Visitor(client_address(request) or "", agent)


def is_ahead(request: HttpRequest) -> bool:
    """Return whether a browser loads a page that nobody has asked for yet.

    See https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header
    """
    purposes = [
        request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")
    ]
    return any(purpose.startswith("prefetch") for purpose in purposes)


class Salts:
    """The salt of the day, as one thread knows it."""

    def __init__(self) -> None:
        self.day: date | None = None
        self.salt = b""

    def today(self) -> bytes:
        """Return the salt of this day in UTC, which all web servers share.

        The first of them makes it, and deletes those of the days before.
        """
        today = timezone.now().date()
        if self.day != today:
            forget_salts()
            made, _new = DaySalt.objects.using(DEFAULT_DB_ALIAS).get_or_create(
                day=today, defaults={"salt": secrets.token_bytes(SALT_BYTES)}
            )
            self.day, self.salt = today, bytes(made.salt)
        return self.salt


def forget_salts(using: str = DEFAULT_DB_ALIAS) -> None:
    """Delete the salts of the days that are over."""
    DaySalt.objects.using(using).filter(day__lt=timezone.now().date()).delete()
