"""The development server gives each request a thread of its own."""

import socketserver
import threading
import time
import urllib.request

import pytest
from django.core.management import get_commands, load_command_class
from django.core.servers.basehttp import WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection

REQUESTS = 5


@pytest.fixture
def server(transactional_db, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    command = load_command_class(get_commands()["runserver"], "runserver")
    served_by = type(  # as Django's own command makes it
        "Server", (socketserver.ThreadingMixIn, command.server_cls), {}
    )
    with served_by(("127.0.0.1", 0), WSGIRequestHandler) as httpd:
        httpd.set_app(get_wsgi_application())
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield httpd
        httpd.shutdown()
        thread.join()


def other_connections():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database() AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0]


def test_a_request_leaves_no_connection_behind(server):
    before = other_connections()

    for _ in range(REQUESTS):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{server.server_port}/", timeout=30
        ) as response:
            assert response.status == 200

    deadline = time.monotonic() + 30
    while other_connections() > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert other_connections() == before
