"""The company's HTTP API on loopback, in Prometheus' own wire form; it lives on until `python -m demo down`.

It listens where `[sources.prometheus] url` says, and needs no other setting.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

import psutil

from demo import metrics
from ingest.errors import SetupError
from ingest.project import ROOT

PATH = "/demo/prometheus"
VERSION = "2.42.0-demo"
PIDFILE = ROOT / ".warehouse" / "demo.pid"
LOG = ROOT / ".warehouse" / "demo.log"
PATIENCE_SECONDS = 30


class Api(BaseHTTPRequestHandler):
    """Answers the queries of the demo's settings, and no other."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet: apart, the second waits 40 ms for the first's receipt.
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer a query in the URL."""
        parts = urlsplit(self.path)
        self._answer(parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        """Answer a query in a form."""
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer(urlsplit(self.path).path, dict(parse_qsl(form)))

    def log_message(self, *_) -> None:
        """Say nothing: nobody reads it."""

    def _answer(self, path: str, form: dict[str, str]) -> None:
        answers = {
            f"{PATH}/api/v1/status/buildinfo": lambda: {"version": VERSION},
            f"{PATH}/api/v1/query_range": lambda: _range(form),
            f"{PATH}/api/v1/query": lambda: _instant(form),
        }
        if path not in answers:
            self._send(404, {"status": "error", "errorType": "not_found", "error": f"there is nothing at {path}"})
            return
        try:
            data = answers[path]()
        except (KeyError, ValueError) as error:
            self._send(400, {"status": "error", "errorType": "bad_data", "error": f"invalid parameter: {error}"})
            return
        if data is None:
            message = f"the demo does not know the expression {form['query']}"
            self._send(400, {"status": "error", "errorType": "bad_data", "error": message})
        else:
            self._send(200, {"status": "success", "data": data})

    def _send(self, status: int, answer: dict) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _range(form: dict[str, str]) -> dict | None:
    result = metrics.matrix(form["query"], int(form["start"]), int(form["end"]), int(form["step"]))
    return None if result is None else {"resultType": "matrix", "result": result}


def _instant(form: dict[str, str]) -> dict | None:
    at = int(form["time"])
    result = metrics.samples(form["query"], at)
    if result is not None:
        return {"resultType": "matrix", "result": result}
    result = metrics.vector(form["query"], at)
    return None if result is None else {"resultType": "vector", "result": result}


def serve(port: int) -> ThreadingHTTPServer:
    """Return a server that listens on loopback; its `serve_forever` answers."""
    return ThreadingHTTPServer(("127.0.0.1", port), Api)


def up(url: str) -> bool:
    """Start the API in a process that outlives this one; returns False where it, or another clone's, answers already.

    Raises SetupError where another program has the port.
    """
    if is_up(url):
        return False
    port = urlsplit(url).port
    PIDFILE.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.api", str(port), str(PIDFILE)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_up(url):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise SetupError(
                f"the company's API does not start at {url}: port {port} is taken, or see {LOG}; choose another: "
                f"export SOURCES__PROMETHEUS__URL=http://127.0.0.1:{port + 1}{PATH}"
            )
        time.sleep(0.05)
    return True


def is_up(url: str) -> bool:
    """Return whether the demo's API answers at a URL."""
    parts = urlsplit(url)
    with suppress(OSError, HTTPException, ValueError, KeyError, TypeError), closing(_connection(parts)) as connection:
        connection.request("GET", f"{parts.path}/api/v1/status/buildinfo")
        return json.load(connection.getresponse())["data"]["version"] == VERSION
    return False


def _connection(parts: SplitResult) -> HTTPConnection:
    """Return a connection that goes by no proxy of the environment."""
    return HTTPConnection(parts.hostname, parts.port, timeout=5)


def down() -> bool:
    """End the API that this clone has started; returns whether there was one."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(PIDFILE.read_text()))
        PIDFILE.unlink()
        # After a reboot the pid may be any program's.
        if "demo.api" in process.cmdline() and Path(process.cwd()) == ROOT:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            return True
    return False


def main(port: str, pidfile: str) -> None:
    """Serve for ever, and leave the pid where `down` finds it: only a server that has the port does."""
    server = serve(int(port))
    Path(pidfile).write_text(str(os.getpid()))
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
