"""A wire to a PostgreSQL server that is cut at the n-th statement: before it, in it, or in its answer."""

import socket
import struct
import threading
from contextlib import suppress
from typing import NamedTuple

STARTUP = 196608  # what comes before it asks for encryption
STATEMENTS = b"QPc"  # a query, one to prepare, the end of rows for COPY
DELAY_SECONDS = 0.5
CUTS = ("dropped before", "cut within", "cut in the answer to", "delayed at")


class Cut(NamedTuple):
    """At which statement, from 0 and of all connections, and how, of CUTS."""

    statement: int
    how: str


class Wire:
    """A port that leads to a server; one statement is met by the cut, where one is set."""

    def __init__(self, host: str, port: int):
        """Listen on loopback."""
        self.server, self.cut, self.statements = (host, port), None, 0
        self.is_cut = False  # whether it came to that
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, cut: Cut | None) -> None:
        """Count anew, and cut there."""
        self.cut, self.statements, self.is_cut = cut, 0, False

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.server)
                _Connection(self, client, server).start()

    def meets(self) -> str | None:
        """Count a statement; returns how it is cut, None where it is not."""
        with self._lock:
            number, self.statements = self.statements, self.statements + 1
            if self.cut is None or number != self.cut.statement:
                return None
            self.is_cut = True
            return self.cut.how


class _Connection:
    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket):
        self.wire, self.client, self.server = wire, client, server
        self.is_answer_cut = self.is_reset = False

    def start(self) -> None:
        for pump in (self._requests, self._answers):
            threading.Thread(target=self._pump, args=(pump,), daemon=True).start()

    def _pump(self, pump) -> None:
        with suppress(OSError, EOFError):
            pump()
        self._end()

    def _end(self) -> None:
        for end in (self.server,) if self.is_reset else (self.server, self.client):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.client.close()

    def _requests(self) -> None:
        code = None
        while code != STARTUP:
            begin = _exactly(self.client, 8)
            length, code = struct.unpack("!ii", begin)
            self.server.sendall(begin + _exactly(self.client, length - 8))
        while True:
            head = _exactly(self.client, 5)
            (length,) = struct.unpack("!i", head[1:])
            self._request(head[:1], head + _exactly(self.client, length - 4))

    def _request(self, kind: bytes, message: bytes) -> None:
        how = self.wire.meets() if kind in STATEMENTS else None
        if how == "dropped before":
            # With a reset, as by a firewall that forgot the connection.
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.is_reset = True
            raise EOFError
        if how == "cut within":
            self.server.sendall(message[: len(message) // 2])
            raise EOFError
        if how == "delayed at":
            threading.Event().wait(DELAY_SECONDS)
        self.is_answer_cut = how == "cut in the answer to"
        self.server.sendall(message)

    def _answers(self) -> None:
        while answer := self.server.recv(1 << 16):
            if self.is_answer_cut:
                self.client.sendall(answer[: len(answer) // 2])
                return
            self.client.sendall(answer)


def _exactly(end: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = end.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found
