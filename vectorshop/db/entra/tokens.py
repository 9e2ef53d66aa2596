"""Microsoft Entra access tokens: which credential asks, and how long one is kept."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from vectorshop.db.entra.claims import claims_of, name_in

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

logger = logging.getLogger(__name__)

# A token with less time left is replaced when it is next needed. Asking earlier is of
# no use: MSAL, the cache of most credentials, replaces a token at the same age.
REFRESH_SECONDS = 300
RETRY_SECONDS = 30  # between two attempts to replace a token that still works
LOGIN_SECONDS = 10  # a token must live long enough to sign in with
PROCESS_SECONDS = 30  # `az` takes 1 s as a rule, and 10 s (the default) on a bad day

# name: (class, keyword arguments, keywords that take the client id)
CREDENTIALS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "auto": (
        "azure.identity.DefaultAzureCredential",
        {"process_timeout": PROCESS_SECONDS},
        ("managed_identity_client_id", "workload_identity_client_id"),
    ),
    "managed-identity": (
        "azure.identity.ManagedIdentityCredential",
        {},
        ("client_id",),
    ),
    "workload-identity": (
        "azure.identity.WorkloadIdentityCredential",
        {},
        ("client_id",),
    ),
    "cli": (
        "azure.identity.AzureCliCredential",
        {"process_timeout": PROCESS_SECONDS},
        (),
    ),
    "azd": (
        "azure.identity.AzureDeveloperCliCredential",
        {"process_timeout": PROCESS_SECONDS},
        (),
    ),
    "environment": ("azure.identity.EnvironmentCredential", {}, ()),
}

ADVICE = {
    "auto": "On your own machine run `az login`. On Azure give the app a managed "
    "identity and set AZURE_CREDENTIAL=managed-identity.",
    "managed-identity": "Switch on the app's managed identity. For a user-assigned "
    "one set AZURE_CLIENT_ID to its client id.",
    "workload-identity": "Label the pod azure.workload.identity/use=true and annotate "
    "its service account with the client id.",
    "cli": "Install the Azure CLI and run `az login`.",
    "azd": "Install the Azure Developer CLI and run `azd auth login`.",
    "environment": "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or "
    "AZURE_CLIENT_CERTIFICATE_PATH.",
}

# It begins a word, or stands behind an escaped character: what is looked at once is not
# looked at again from its middle.
JSON_WEB_TOKEN = re.compile(r"(?:(?<![\w-])|(?<=%\w\w))eyJ[\w-]+(\.[\w-]*)+")


class TokenError(Exception):
    """There is no token; the text says what to do next."""


class Secret:
    """A text that no repr, log record, error page or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text. Never bind it to a name: error pages print local names."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret cannot be pickled or copied.")


@dataclass(frozen=True)
class Token:
    """An access token, when it expires and should be replaced (seconds since 1970)."""

    secret: Secret
    expires_on: float
    refresh_on: float
    claims: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def user(self) -> str:
        """Return the database user the token was made for, "" when it names none."""
        return name_in(self.claims)

    @property
    def owner(self) -> str:
        """Return whose token this is, in words for a person."""
        if self.user:
            return f"'{self.user}'"
        return (
            f"application {self.claims.get('appid') or self.claims.get('azp')} "
            f"(object id {self.claims.get('oid')})"
        )

    def is_fresh(self, now: float) -> bool:
        return self.is_usable(now) and now < self.refresh_on

    def is_usable(self, now: float) -> bool:
        return now < self.expires_on - LOGIN_SECONDS


@dataclass(frozen=True)
class Identity:
    """Who asks for tokens, and for which audience.

    credential: a name in CREDENTIALS, or the dotted path of a class or function that
    returns a credential of azure-identity's kind when called without arguments.
    client_id: of a user-assigned identity; only `auto`, `managed-identity` and
    `workload-identity` take one. scope: the audience with "/.default" at its end.
    Raises ImproperlyConfigured for an unknown name.
    """

    credential: str
    client_id: str
    scope: str

    def __post_init__(self) -> None:
        if self.credential not in CREDENTIALS and "." not in self.credential:
            raise ImproperlyConfigured(
                f"The credential {self.credential!r} is unknown. Set AZURE_CREDENTIAL to "
                f"one of {', '.join(CREDENTIALS)}, or to a dotted path."
            )

    def make_credential(self) -> Any:
        """Return a new credential. Raises ImproperlyConfigured for a wrong path."""
        path, options, id_keywords = CREDENTIALS.get(
            self.credential, (self.credential, {}, ())
        )
        try:
            factory = import_string(path)
        except ImportError as err:
            raise ImproperlyConfigured(
                f"The credential {path!r} cannot be imported ({err}). Set "
                "AZURE_CREDENTIAL to the path of a class or function in this project."
            ) from err
        client_id = dict.fromkeys(id_keywords, self.client_id or None)
        return factory(**options, **client_id)


class TokenProvider:
    """The tokens of one identity, for all threads of this process.

    One credential is made and one token kept. A token near its end is replaced by the
    first thread that needs it, while the others go on with the one they have.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._credential: Any = None
        self._token: Token | None = None
        self._lock = threading.Lock()
        self._failure = ""
        self._failed_at = 0.0  # time.monotonic()

    def token(self) -> Token:
        """Return a token that is good for signing in now. Raises TokenError.

        It is the kept token while that is fresh; a new one costs a request.
        """
        called_at, token = time.monotonic(), self._token
        if token and token.is_fresh(time.time()):
            return token
        usable = token is not None and token.is_usable(time.time())
        if not self._lock.acquire(blocking=not usable):
            assert token is not None
            return token  # another thread is replacing it
        try:
            return self._replaced(called_at)
        finally:
            self._lock.release()

    @property
    def expires_on(self) -> float | None:
        """When the kept token ends, by time.time(); None without one."""
        token = self._token
        return None if token is None else token.expires_on

    def discard(self, token: Token) -> None:
        """Forget *token*, and the credential, whose own cache would return it again."""
        with self._lock:
            if self._token is token:
                self._token = self._credential = None

    def _replaced(self, called_at: float) -> Token:
        now, token = time.time(), self._token
        if token and token.is_fresh(now):
            return token  # made while this thread waited
        if self._failure and self._failed_at >= called_at:
            # A thread that waited during an outage must not begin the next attempt:
            # all threads that waited would do so, one after the other.
            raise TokenError(self._failure)
        try:
            self._token = self._request()
        except TokenError as err:
            self._failure, self._failed_at = str(err), time.monotonic()
            if not token or not token.is_usable(now):
                raise
            logger.warning("The token still works but cannot be replaced: %s", err)
            self._token = Token(
                token.secret, token.expires_on, now + RETRY_SECONDS, token.claims
            )
        return self._token

    def _request(self) -> Token:
        from azure.core.exceptions import AzureError

        try:
            if self._credential is None:
                self._credential = self.identity.make_credential()
            return _received(self._credential, self.identity.scope)
        except (AzureError, ValueError) as err:
            # ValueError: how azure-identity reports missing environment variables.
            reason = JSON_WEB_TOKEN.sub("(token)", str(err))
        # The error is raised out here to keep azure-identity's frames off error pages.
        advice = ADVICE.get(self.identity.credential, "")
        raise TokenError(
            f"No Entra token from the credential '{self.identity.credential}': "
            f"{reason}\n{advice}".rstrip()
        )


def _received(credential: Any, scope: str) -> Token:
    if hasattr(credential, "get_token_info"):
        return _as_token(credential.get_token_info(scope))
    return _as_token(credential.get_token(scope))


def _as_token(info: AccessTokenInfo) -> Token:
    now = time.time()
    due = getattr(info, "refresh_on", None) or info.expires_on - REFRESH_SECONDS
    return Token(
        Secret(info.token),
        expires_on=info.expires_on,
        refresh_on=max(due, now + RETRY_SECONDS),
        claims=claims_of(info.token),
    )


_providers: dict[Identity, TokenProvider] = {}


def get_provider(identity: Identity) -> TokenProvider:
    """Return the process's one provider for *identity*."""
    return _providers.setdefault(identity, TokenProvider(identity))


def seconds_left() -> float | None:
    """Return in how many seconds the first of this process's tokens ends.

    None where it has none.
    """
    kept = [provider.expires_on for provider in list(_providers.values())]
    ends = [end for end in kept if end is not None]
    return min(ends) - time.time() if ends else None


# A forked child has its parent's HTTP connections and, if another thread held it, a
# lock that nobody will ever release. So the child starts without providers.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_providers.clear)
