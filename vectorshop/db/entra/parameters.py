"""How a connection signs in: the connection parameters that a token needs."""

from __future__ import annotations

import os
from typing import Any

import certifi
import psycopg
from django.core.exceptions import ImproperlyConfigured

from vectorshop.db.entra.errors import is_expired, with_advice
from vectorshop.db.entra.tokens import Identity, Token, TokenError, get_provider

# The audience that a database server of each cloud asks for, by the end of its name
# (`ossrdbmsResourceId` of `az cloud show`).
AUDIENCES = {
    ".chinacloudapi.cn": "https://ossrdbms-aad.database.chinacloudapi.cn",
    ".usgovcloudapi.net": "https://ossrdbms-aad.database.usgovcloudapi.net",
    ".sovcloud-api.fr": "https://ossrdbms-aad.database.sovcloud-api.fr",
}
PUBLIC_AUDIENCE = "https://ossrdbms-aad.database.windows.net"

VERIFIED_MODES = ("verify-full", "verify-ca")
ENCRYPTED_MODES = (*VERIFIED_MODES, "require")
# Azure's firewall drops packets, so that without a limit a blocked client waits for
# the operating system: two minutes.
CONNECT_SECONDS = 10

OPTION_NAMES = {"credential", "client_id", "scope"}


class SignIn:
    """Who signs in; travels among psycopg's parameters and never holds a token.

    user: the database user, "" to take the token's. last_error: why the most recent
    attempt failed, which a pool does not report to the clients that wait.
    """

    def __init__(self, identity: Identity, user: str = "") -> None:
        self.identity = identity
        self.user = user
        self.last_error = ""

    def token(self) -> Token:
        """Return a token to sign in with now. Raises psycopg.OperationalError."""
        try:
            return get_provider(self.identity).token()
        except TokenError as err:
            self.last_error = str(err)
        raise psycopg.OperationalError(self.last_error)

    def user_of(self, token: Token) -> str:
        """Return the database user. Raises psycopg.OperationalError when unknown."""
        if user := self.user or token.user:
            return user
        raise psycopg.OperationalError(
            f"The token of {token.owner} names no database user. Set DB_USER to the "
            "name of its database role."
        )

    def replacement(self, token: Token, error: psycopg.Error | None) -> Token | None:
        """Return another token if the server said that this one has expired.

        That happens when the clocks of the two machines differ. Other failures are not
        tried twice: a server counts failed logins.
        """
        if error is None or not is_expired(error):
            return None
        get_provider(self.identity).discard(token)
        new = self.token()
        return None if new.secret.reveal() == token.secret.reveal() else new

    def with_advice(self, error: psycopg.Error, token: Token) -> psycopg.Error:
        """Return *error* with advice, and remember it."""
        self.last_error = with_advice(str(error), self.user or token.user, token.owner)
        return type(error)(self.last_error)


def scope_for(host: str) -> str:
    """Return the scope of the tokens that the server *host* accepts."""
    for suffix, audience in AUDIENCES.items():
        if host.rstrip(".").lower().endswith(suffix):
            return f"{audience}/.default"
    return f"{PUBLIC_AUDIENCE}/.default"


def sign_in_parameters(settings: dict[str, Any]) -> dict[str, Any]:
    """Return psycopg's parameters, and `sign_in`, for an entry of DATABASES.

    The parameters encrypt the connection and check the server's certificate and name.
    OPTIONS may change all but the encryption. Raises ImproperlyConfigured.
    """
    options = settings["OPTIONS"]
    parameters = {
        "sslmode": options.get("sslmode", "verify-full"),
        # Kerberos, if a ticket is at hand, would come first and skip TLS.
        "gssencmode": "disable",
        "connect_timeout": options.get("connect_timeout", CONNECT_SECONDS),
        "sign_in": sign_in(settings),
    }
    _refuse_unencrypted(settings["HOST"], parameters["sslmode"])
    if root := _root_certificates(options, parameters["sslmode"]):
        parameters["sslrootcert"] = root
    return parameters


def sign_in(settings: dict[str, Any]) -> SignIn:
    """Return who signs in according to OPTIONS["entra"]."""
    options = settings["OPTIONS"].get("entra") or {}
    if unknown := set(options) - OPTION_NAMES:
        raise ImproperlyConfigured(
            f"OPTIONS['entra'] has the unknown option {sorted(unknown)[0]!r}. Known: "
            f"{', '.join(sorted(OPTION_NAMES))}."
        )
    identity = Identity(
        credential=options.get("credential") or "auto",
        client_id=options.get("client_id") or "",
        scope=options.get("scope") or scope_for(settings["HOST"]),
    )
    return SignIn(identity, settings["USER"])


def _refuse_unencrypted(hosts: str, mode: str) -> None:
    if mode not in ENCRYPTED_MODES:
        raise ImproperlyConfigured(
            f"sslmode {mode!r} could send an access token over a connection that is not "
            f"encrypted. Set DB_SSLMODE to verify-full (the default), or set DB_PASSWORD."
        )
    for host in hosts.split(","):
        if not host or host.startswith(("/", "@")):  # libpq: a Unix socket, no TLS
            raise ImproperlyConfigured(
                f"An access token needs TLS, and the host {host!r} has none. Set DB_HOST "
                "to the server's full name, or set DB_PASSWORD."
            )


def _root_certificates(options: dict[str, Any], mode: str) -> str | None:
    """Return the file of trusted roots; None leaves the choice to libpq.

    libpq's own default is a file that hardly anybody has, and sslrootcert=system does
    not work with psycopg's wheel. Both roots that Azure uses are in certifi's bundle.
    """
    if root := options.get("sslrootcert"):
        return str(root)
    if os.environ.get("PGSSLROOTCERT") or mode not in VERIFIED_MODES:
        return None
    return certifi.where()
