"""What to do about the errors of a database server on Azure."""

from __future__ import annotations

import re

import psycopg

from vectorshop.db.limits import FULL

# The server says so only in words: psycopg has no SQLSTATE for a refused login.
EXPIRED = re.compile(r"token\b.*\bexpired", re.IGNORECASE)
NOT_ALLOW_LISTED = re.compile(r'extension "(.+?)" is not allow-?listed', re.IGNORECASE)

WRONG_USER = (
    "The token belongs to {owner} but DB_USER is '{user}'. Set DB_USER to the name of "
    "the database role made for this identity (upper and lower case differ; a guest's "
    "name contains #EXT#; for a group, the group's name)."
)
UNKNOWN_USER = (
    "The token belongs to {owner}. The server has no role of that name for this "
    "identity, or Entra sign-in is off: `manage.py azdeploy status` shows its "
    "administrators."
)
FIREWALL = (
    "The server's firewall may not know this address: `manage.py azdeploy firewall` "
    "adds it. A stopped server does not answer either: `manage.py azdeploy status`."
)
CERTIFICATE = (
    "The server's certificate was not accepted. DB_HOST must be the server's full "
    "name, and DB_SSLROOTCERT, if set, a file with its root certificate."
)
# (what the server or libpq says, what to do), the first that fits
ADVICE = [
    (
        EXPIRED.pattern,
        "Check that this machine's clock is right, then sign in again (`az login`).",
    ),
    (
        r"audience",
        "The token was made for another service or cloud: set OPTIONS['entra']['scope'], "
        "and for a sovereign cloud AZURE_AUTHORITY_HOST.",
    ),
    (
        r"AAD_AUTH_TOKENTYPE",
        "The role was made for another type of principal (user, group or service): "
        "drop it and make it again, `manage.py azdeploy role`.",
    ),
    (r"certificate", CERTIFICATE),
    (
        r"does not support SSL|SSL was required",
        "The server has no TLS, so the token was not sent. Is DB_HOST an Azure server?",
    ),
    (
        FULL.pattern,
        "All connections of the server are in use: end a program that uses it, or allow "
        "more (its parameter max_connections).",
    ),
    (r"no pg_hba\.conf entry|timeout expired|timed out", FIREWALL),
    (
        r"resolve host|translate host name",
        "Check the spelling of DB_HOST; a server with private access is known in its "
        "own virtual network only.",
    ),
    (
        r"connection refused",
        "Nothing listens there: check DB_HOST and DB_PORT, and that the server runs.",
    ),
    (
        r'database ".*" does not exist',
        "Set DB_NAME to an existing database, or create it: `manage.py dbshell` "
        "with DB_NAME=postgres, then CREATE DATABASE.",
    ),
]
REFUSED = re.compile(r'authentication failed|role ".*" does not exist', re.IGNORECASE)


# PgBouncer's answer to a login with settings (libpq's `options`, or PGOPTIONS).
POOLER = "unsupported startup parameter"
POOLER_ADVICE = (
    "A pooler such as PgBouncer answers here, and takes no settings from a session. Set "
    "DB_POOLER=true, and unset PGOPTIONS."
)


def is_expired(error: psycopg.Error) -> bool:
    """Return whether the server refused a token because its time was over."""
    return bool(EXPIRED.search(str(error)))


def with_advice(text: str, user: str, owner: str) -> str:
    """Return the error *text* followed by what to do about it.

    user: the database user that was tried. owner: whose token it was.
    """
    for pattern, advice in ADVICE:
        if re.search(pattern, text, re.IGNORECASE):
            return f"{text}\n{advice}"
    if not REFUSED.search(text):
        return text
    advice = UNKNOWN_USER if owner == f"'{user}'" else WRONG_USER
    return f"{text}\n{advice.format(user=user, owner=owner)}"


def extension_advice(text: str) -> str:
    """Return advice if *text* says that an extension is not allowed, "" otherwise."""
    if not (found := NOT_ALLOW_LISTED.search(text)):
        return ""
    return (
        f"{text}\nAllow the extension on the server: `manage.py azdeploy create` adds "
        f"{found[1].upper()} to its parameter azure.extensions and keeps the others."
    )
