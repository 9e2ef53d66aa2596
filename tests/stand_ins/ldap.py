"""A directory on loopback that answers PostgreSQL's LDAP binds (RFC 4511, 4.2).

It lets a real PostgreSQL server refuse tokens by itself: the password of a simple bind
is the token, and the directory says whether it is good.
"""

import socketserver
import threading
from collections.abc import Callable

BIND_REQUEST, BIND_RESPONSE = 0x60, 0x61
SUCCESS, INVALID_CREDENTIALS = 0, 49


class Directory:
    """The server; `port` on 127.0.0.1. is_valid is asked with name and password."""

    def __init__(self, is_valid: Callable[[str, str], bool]) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                answer_bind(self.rfile, self.wfile, is_valid)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer_bind(reader, writer, is_valid: Callable[[str, str], bool]) -> None:
    _, message = read_element(reader.read)
    message_id, (tag, request) = message_and_operation(message)
    if tag != BIND_REQUEST:
        return
    (_, name), (_, password) = elements(request)[1:3]
    good = is_valid(name.decode(), password.decode())
    result = bytes([0x0A, 1, SUCCESS if good else INVALID_CREDENTIALS, 4, 0, 4, 0])
    operation = bytes([BIND_RESPONSE, len(result)]) + result
    envelope = bytes([0x02, len(message_id)]) + message_id + operation
    writer.write(bytes([0x30, len(envelope)]) + envelope)


def message_and_operation(message: bytes):
    (_, message_id), operation = elements(message)[:2]
    return message_id, operation


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """Return the (tag, content) pairs in *data*, which is in BER."""
    found, rest = [], data

    def take(count: int) -> bytes:
        nonlocal rest
        taken, rest = rest[:count], rest[count:]
        return taken

    while rest:
        found.append(read_element(take))
    return found


def read_element(take: Callable[[int], bytes]) -> tuple[int, bytes]:
    tag, length = take(2)
    if length & 0x80:  # the length itself is so many bytes long
        length = int.from_bytes(take(length & 0x7F))
    return tag, take(length)
