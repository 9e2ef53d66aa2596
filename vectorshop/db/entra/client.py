"""`manage.py dbshell`: psql with a token in its environment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from typing import Any

import psycopg
from django.core.management.base import CommandError
from django.db.backends.postgresql import client as postgresql

from vectorshop.db.entra.parameters import sign_in_parameters

# psycopg's parameters and the variables in which psql takes them
VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "gssencmode": "PGGSSENCMODE",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


class DatabaseClient(postgresql.DatabaseClient):
    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """Return psql's arguments and the variables to add to its environment.

        The token is among the variables: arguments are shown by `ps` to everybody.
        """
        wanted = settings_dict["OPTIONS"].get("target_session_attrs")
        target = {"PGTARGETSESSIONATTRS": wanted} if wanted else {}
        if settings_dict["PASSWORD"]:
            args, env = super().settings_to_cmd_args_env(settings_dict, parameters)
            return args, {**(env or {}), **target}
        params = sign_in_parameters(settings_dict)
        sign_in = params["sign_in"]
        token = sign_in.token()
        args, env = super().settings_to_cmd_args_env(
            {**settings_dict, "USER": sign_in.user_of(token)}, parameters
        )
        variables = {
            VARIABLES[name]: str(params[name]) for name in params if name in VARIABLES
        }
        secret = {"PGPASSWORD": token.secret.reveal()}
        return args, {**(env or {}), **variables, **target, **secret}

    def runshell(self, parameters: Iterable[str]) -> None:
        """Run psql. Raises CommandError when there is no token."""
        try:
            super().runshell(parameters)
        except psycopg.OperationalError as err:
            raise CommandError(str(err)) from err
        except subprocess.CalledProcessError as err:
            # The frames below have the token in psql's environment.
            raise err.with_traceback(None) from None
