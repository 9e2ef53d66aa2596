"""These tests run on one server, and on a Citus cluster where CITUS_URL names one.

See CONTRIBUTING.md. tests/environment.py lets Django use that server.
"""

import os
from contextlib import closing

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

CITUS_URL = os.environ.get("CITUS_URL", "")
NAME = "test_vectorshop"


def nodes():
    """The hosts and ports of the servers, the coordinator first."""
    with closing(psycopg.connect(CITUS_URL)) as coordinator:
        found = coordinator.execute(
            "SELECT nodename, nodeport FROM pg_dist_node WHERE isactive "
            "ORDER BY groupid, nodeport"
        )
        return found.fetchall()


def on_each_node(statement, **options):
    for host, port in nodes():
        address = {"host": host, "port": port, "autocommit": True, **options}
        with closing(psycopg.connect(CITUS_URL, **address)) as node:
            node.execute(sql.SQL(statement).format(name=sql.Identifier(NAME)))


if CITUS_URL:

    @pytest.fixture(scope="session")
    def django_db_setup(django_test_environment, django_db_blocker):
        """A database of its own, with the products on four shards of two workers."""
        (host, port), *workers = nodes()
        on_each_node("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        on_each_node("CREATE DATABASE {name}")
        on_each_node("CREATE EXTENSION citus", dbname=NAME)
        connections["default"].settings_dict["NAME"] = NAME
        with django_db_blocker.unblock():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT citus_set_coordinator_host(%s, %s)", [host, port]
                )
                for worker in workers:
                    cursor.execute("SELECT citus_add_node(%s, %s)", worker)
            call_command("migrate", verbosity=0)
            call_command("shard_products", shards=4, verbosity=0)
        yield
        with django_db_blocker.unblock():
            connections.close_all()
        on_each_node("DROP DATABASE {name} WITH (FORCE)")


def pytest_collection_modifyitems(items):
    """Skip what needs a cluster where none is named."""
    reason = "set CITUS_URL to the coordinator of a Citus cluster, see CONTRIBUTING.md"
    for item in items:
        if item.get_closest_marker("citus") and not CITUS_URL:
            item.add_marker(pytest.mark.skip(reason=reason))
