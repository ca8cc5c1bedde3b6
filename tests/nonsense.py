"""A server in the place of Prometheus that answers whatever a test wants."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

JSON = "application/json"


def success(result: list, kind: str = "matrix", **more) -> tuple:
    return 200, {"status": "success", "data": {"resultType": kind, "result": result}} | more


def error(status: int, kind: str, message: str, **headers) -> tuple:
    return status, {"status": "error", "errorType": kind, "error": message}, headers


def _parts(content: object) -> Iterable[bytes]:
    """Return the body: a text, bytes that come one after the other, or what JSON says of anything else."""
    if isinstance(content, Iterator):
        return content
    return [(content if isinstance(content, str) else json.dumps(content)).encode()]


class Nonsense:
    """A server that gives one answer to all queries, and notes what it was asked."""

    def __init__(self):
        """Listen on loopback."""
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answer = lambda path, form: success([], "matrix" if path == "query_range" else "vector")
        self.version = (200, {"status": "success", "data": {"version": "1.2.3"}})
        nonsense = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                self._answer("GET", parts.path, dict(parse_qsl(parts.query)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer("POST", self.path, dict(parse_qsl(body)))

            def _answer(self, method: str, path: str, form: dict[str, str]) -> None:
                name = path.removeprefix("/demo/api/v1/")
                nonsense.requests.append((f"{method} {name}", form, dict(self.headers)))
                given = nonsense.version if name == "status/buildinfo" else nonsense.answer(name, form)
                status, content, *headers = given if isinstance(given, tuple) else given(method)
                self.send_response(status)
                for header, value in {"Content-Type": JSON, **(headers[0] if headers else {})}.items():
                    self.send_header(header, value)
                self.end_headers()
                with suppress(ConnectionError):
                    for part in _parts(content):
                        self.wfile.write(part)

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/demo"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def always(self, *answer) -> None:
        """Give this answer to all queries."""
        self.answer = lambda path, form: answer

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()
