"""Servers that speak TLS and nothing else, before ones that don't: the embedded PostgreSQL is built without it."""

import contextlib
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What a client of PostgreSQL says first where it wants TLS.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Return a server's side of TLS with a certificate and its key."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    return made


@contextmanager
def postgres(port: int, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Serve the PostgreSQL of a port by TLS, as a pooler does; gives the port of it."""
    tls = context(certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if self.request.recv(len(SSL_REQUEST), socket.MSG_WAITALL) != SSL_REQUEST:
                return
            self.request.sendall(b"S")
            # A client that does not believe us hangs up.
            with (
                contextlib.suppress(OSError),
                tls.wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(("127.0.0.1", port)) as server,
            ):
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as proxy:
        yield proxy.server_address[1]


@contextmanager
def https(server: socketserver.TCPServer, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Serve by TLS what an HTTP server serves; gives its port."""
    server.socket = context(certificate).wrap_socket(server.socket, server_side=True)
    # Of a client that does not believe us nobody has to hear.
    server.handle_error = lambda request, client_address: None
    with _serving(server):
        yield server.server_address[1]


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes until one side ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
