"""A TLS front for PostgreSQL that lets clients in by token, as Azure's servers do.

It speaks the start of the protocol (https://www.postgresql.org/docs/current/
protocol-flow.html), asks for a clear-text password, checks it and relays the rest.
"""

import asyncio
import ssl
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.stand_ins.entra import Issuer, Refused

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
CLEARTEXT_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


@dataclass
class Login:
    """One attempt to sign in. answer: the error, or "" if the client was let in."""

    user: str
    database: str
    token: str
    answer: str = ""


class Gateway:
    """The front; `port` on 127.0.0.1.

    roles: database user -> object id of the identity it was made for. logins: the
    attempts so far. tls: whether the server has TLS. received: all bytes that came
    from clients before TLS. backend: host and port of the PostgreSQL behind.
    """

    def __init__(
        self, issuer: Issuer, backend: tuple[str, int], certificate: tuple[Path, Path]
    ) -> None:
        self.issuer, self.backend = issuer, backend
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(*certificate)
        self.reset()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()
        self._thread.start()
        self._started.wait(10)

    def reset(self) -> None:
        self.roles: dict[str, str] = {}
        self.logins: list[Login] = []
        self.refusal = ""
        self.tls = True
        self.received = b""

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task] = set()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._session(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away or did not like our certificate, or we stop
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _session(self, reader, writer) -> None:
        encrypted = False
        while True:
            packet = await self._packet(reader)
            (code,) = struct.unpack("!i", packet[4:8])
            if code == CANCEL_REQUEST:
                return await self._relay(packet, reader, writer)
            if code == GSS_REQUEST or (code == SSL_REQUEST and not self.tls):
                writer.write(b"N")
            elif code == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self._context)
                encrypted = True
            else:
                break
        if not encrypted:
            self.received += packet
            return self._refuse(writer, "28000", "no pg_hba.conf entry, no encryption")
        login = await self._login(packet, reader, writer)
        if login.answer:
            return self._refuse(writer, "28P01", login.answer)
        await self._relay(packet, reader, writer)

    async def _packet(self, reader) -> bytes:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(struct.unpack("!i", head)[0] - 4)

    async def _login(self, startup: bytes, reader, writer) -> Login:
        words = startup[8:].decode().split("\0")
        options = dict(zip(words[::2], words[1::2], strict=False))
        writer.write(CLEARTEXT_PASSWORD)
        await reader.readexactly(1)  # "p", a password message
        token = (await self._packet(reader))[4:-1].decode()
        login = Login(options["user"], options["database"], token)
        login.answer = self._answer(login)
        self.logins.append(login)
        return login

    def _answer(self, login: Login) -> str:
        if self.refusal:
            return self.refusal
        try:
            claims = self.issuer.claims_of(login.token)
        except Refused as err:
            return str(err)
        if claims.get("oid") != self.roles.get(login.user, ""):
            return f'password authentication failed for user "{login.user}"'
        return ""

    def _refuse(self, writer, code: str, text: str) -> None:
        fields = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode()
        writer.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    async def _relay(self, first: bytes, reader, writer) -> None:
        host, port = self.backend
        if host.startswith("/"):
            opened = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            opened = asyncio.open_connection(host, port)
        server_reader, server_writer = await opened
        server_writer.write(first)
        try:
            await asyncio.gather(
                self._copy(reader, server_writer), self._copy(server_reader, writer)
            )
        finally:
            server_writer.close()

    async def _copy(self, source, target) -> None:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.close()
