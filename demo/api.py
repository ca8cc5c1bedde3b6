"""The company's HTTP API on loopback: its Prometheus and its Google Analytics; it lives on until `python -m demo down`.

It listens where `[sources.prometheus] url` and `[sources.google_analytics] api_endpoint` say, and needs no other
setting.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

import psutil

from demo import metrics
from demo.analytics import wires
from demo.analytics.property import Property
from ingest.errors import SetupError
from ingest.project import ROOT
from ingest.reads import parse_instant

PATH = "/demo/prometheus"
NOW_PATH = "/demo/now"
# The revision is raised with what the API answers, so that an older one is not taken for this one.
BUILD = {"version": "2.42.0-demo", "revision": "2"}
PIDFILE = ROOT / ".warehouse" / "demo.pid"
LOG = ROOT / ".warehouse" / "demo.log"
PATIENCE_SECONDS = 30


class Server(ThreadingHTTPServer):
    """Listens on loopback; `analytics` is the company's Google Analytics property."""

    pidfile: Path | None = None

    def __init__(self, port: int, analytics: Property):
        """Take the port."""
        super().__init__(("127.0.0.1", port), Api)
        self.analytics = analytics

    def service_actions(self) -> None:
        """End where the pid file is gone, and the clone or its .warehouse/ with it: nobody could end it later."""
        if self.pidfile and not self.pidfile.exists():
            threading.Thread(target=self.shutdown).start()


class Api(BaseHTTPRequestHandler):
    """Answers the queries of the demo's settings, and no other; and the reports of its property."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet: apart, the second waits 40 ms for the first's receipt.
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer a query in the URL."""
        self._route("GET", b"")

    def do_POST(self) -> None:
        """Answer a query in a form, a report's request, or the company's now."""
        self._route("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_) -> None:
        """Say nothing: nobody reads it."""

    def _route(self, method: str, body: bytes) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith(f"{wires.PATH}/"):
            self._report(method, body)
        elif parts.path == NOW_PATH:
            self._set_now(body.decode())
        else:
            self._query(parts.path, dict(parse_qsl(parts.query or body.decode())))

    def _report(self, method: str, body: bytes) -> None:
        answer = wires.rest(self.server.analytics, method, self.path, body)
        if answer:
            self._send(*answer)
        else:
            self.close_connection = True

    def _set_now(self, text: str) -> None:
        try:
            self.server.analytics.now = parse_instant(text, NOW_PATH)
            self._send_json(200, {})
        except SetupError as error:
            self._send_json(400, {"error": str(error)})

    def _query(self, path: str, form: dict[str, str]) -> None:
        answers = {
            f"{PATH}/api/v1/status/buildinfo": lambda: BUILD,
            f"{PATH}/api/v1/query_range": lambda: _range(form),
            f"{PATH}/api/v1/query": lambda: _instant(form),
        }
        if path not in answers:
            self._send_json(404, {"status": "error", "errorType": "not_found", "error": f"there is nothing at {path}"})
            return
        try:
            data = answers[path]()
        except (KeyError, ValueError) as error:
            self._send_json(400, {"status": "error", "errorType": "bad_data", "error": f"invalid parameter: {error}"})
            return
        if data is None:
            message = f"the demo does not know the expression {form['query']}"
            self._send_json(400, {"status": "error", "errorType": "bad_data", "error": message})
        else:
            self._send_json(200, {"status": "success", "data": data})

    def _send_json(self, status: int, answer: dict) -> None:
        self._send(status, "application/json", json.dumps(answer).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
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


def serve(port: int, analytics: Property | None = None) -> Server:
    """Return a server that listens on loopback, port 0 a free one; its `serve_forever` answers."""
    return Server(port, analytics or Property())


def up(url: str) -> bool:
    """Start the API in a process that outlives this one; returns False where it, or another clone's, answers already.

    This clone's API of another revision makes way. Raises SetupError where another program has the port.
    """
    if is_up(url):
        return False
    if build(url):
        down()
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
                f"export SOURCES__PROMETHEUS__URL=http://127.0.0.1:{port + 1}{PATH} "
                f"SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT=http://127.0.0.1:{port + 1}{wires.PATH}"
            )
        time.sleep(0.05)
    return True


def is_up(url: str) -> bool:
    """Return whether the demo's API, of this revision, answers at a URL."""
    return build(url) == BUILD


def build(url: str) -> dict[str, str] | None:
    """Return what the Prometheus at a URL says of its build; None where there is none."""
    parts = urlsplit(url)
    with suppress(OSError, HTTPException, ValueError, KeyError, TypeError), closing(_connection(parts)) as connection:
        connection.request("GET", f"{parts.path}/api/v1/status/buildinfo")
        return json.load(connection.getresponse())["data"]
    return None


def tell_now(url: str, now: datetime) -> None:
    """Tell the API at a URL at which instant its property is asked from here on; no API, nothing to tell."""
    with suppress(OSError, HTTPException), closing(_connection(urlsplit(url))) as connection:
        connection.request("POST", NOW_PATH, now.isoformat())
        connection.getresponse().read()


def _connection(parts: SplitResult) -> HTTPConnection:
    """Return a connection that goes by no proxy of the environment."""
    return HTTPConnection(parts.hostname, parts.port, timeout=5)


def down() -> bool:
    """End the APIs that this clone has started; returns whether there was one."""
    with suppress(OSError):
        pids = PIDFILE.read_text().split()
        PIDFILE.unlink()
        ended = [end(int(pid)) for pid in pids]
        return any(ended)
    return False


def end(pid: int) -> bool:
    """End an API of this clone's; returns whether the process is one: after a reboot it may be any program."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if "demo.api" in process.cmdline() and Path(process.cwd()) == ROOT:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            return True
    return False


def main(port: str, pidfile: str) -> None:
    """Serve, and leave the pid where `down` finds it, as long as it is there: only a server that has the port does."""
    server = serve(int(port))
    with Path(pidfile).open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    server.pidfile = Path(pidfile)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
