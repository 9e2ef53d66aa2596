"""`manage.py dbshell`: the wheel's own psql on the embedded server's socket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client

from vectorshop.db.embedded.options import data_dir_of


class DatabaseClient(client.DatabaseClient):
    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """Return psql's command line and environment, with the server started."""
        from vectorshop.db.embedded.server import ensure_database

        name = settings_dict["NAME"] or "postgres"
        server = ensure_database(data_dir_of(settings_dict), name)
        address = {
            "HOST": server.host,
            "PORT": server.port,
            "USER": server.user,
            "PASSWORD": server.password,
        }
        arguments, environment = super().settings_to_cmd_args_env(
            {**settings_dict, **address}, parameters
        )
        return [str(server.bin_dir / cls.executable_name), *arguments[1:]], environment
