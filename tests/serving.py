"""Asks the shop as a server such as granian does, without the test client's help."""

import io
import socket

from django.core.handlers.wsgi import WSGIHandler

from vectorshop.requests import with_plain_types

COOKIE = "csrftoken=" + 32 * "a"


def ask(method, path, content_type="", body=b"", *, cookie=COOKIE, below=""):
    """Return the status and the page.

    below: the path at which the shop is served, as SCRIPT_NAME says it.
    """
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": below,
        "PATH_INFO": path,
        "QUERY_STRING": "q=x",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookie,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    statuses = []
    application = with_plain_types(WSGIHandler())
    answer = application(environ, lambda status, headers: statuses.append(status))
    try:
        page = b"".join(answer).decode()
    finally:
        answer.close()
    return int(statuses[0][:3]), page


def free_port():
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
