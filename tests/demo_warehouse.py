"""The demo company in a warehouse of its own for each file, read and built once for all of them."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
from psycopg2.extras import RealDictCursor

from demo import api
from demo.analytics import wires
from ingest.embedded import EmbeddedServer
from tests.conftest import ROOT, free_port, memory

NOW = "2026-11-02T09:05Z"


@dataclass(frozen=True)
class DemoWarehouse:
    """A server that holds the company's databases and its warehouse, and the environment that leads to it."""

    server: EmbeddedServer
    environment: dict[str, str]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Run a program of .venv's; returns what came of it, output and errors in one."""
        return subprocess.run(
            arguments,
            cwd=ROOT,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, *arguments: str, **variables: str) -> str:
        """Run a program that has to succeed; returns its output."""
        done = self.run(*arguments, **variables)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def module(self, *arguments: str, **variables: str) -> str:
        """Run a Python module that has to succeed; returns its output."""
        return self.do(sys.executable, "-m", *arguments, **variables)

    def dbt(self, *arguments: str) -> str:
        """Run dbt; returns its output."""
        return self.do(str(Path(sys.executable).with_name("dbt")), *arguments)

    def rows(self, query: str) -> list[tuple]:
        """Return the rows of a query."""
        return [tuple(row.values()) for row in self.named_rows(query)]

    def named_rows(self, query: str) -> list[dict]:
        """Return the rows of a query, by column."""
        server = self.server
        where = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
        with (
            closing(psycopg2.connect(**where, dbname=server.database, options="-c timezone=UTC")) as connection,
            connection.cursor(cursor_factory=RealDictCursor) as cursor,
        ):
            cursor.execute(query)
            return cursor.fetchall()


@contextmanager
def demo_warehouse(temporary) -> Iterator[DemoWarehouse]:
    """Give the company as it is at NOW, read and built, without dbt's tests; `temporary` is pytest's tmp_path_factory.

    The first who asks in a run of the tests makes it, in 40 s; others get a copy.
    """
    folder = temporary.mktemp("demo")
    (folder / "profiles.yml").write_text((ROOT / "profiles.example.yml").read_text())
    with TemporaryDirectory(prefix="bd-", dir=memory()) as data, _api() as url:
        server = EmbeddedServer(Path(data) / "server", "127.0.0.1", free_port(), "tester", "secret word", "warehouse")
        warehouse = DemoWarehouse(server, _environment(server, folder, url))
        with _alone(_of_all_workers(temporary)) as made:
            if (made / "server").exists():
                _copy(made / "server", server.folder)
            else:
                _make(warehouse)
                _copy(server.folder, made / "server")
        server.start()
        try:
            yield warehouse
        finally:
            server.stop()


def _environment(server: EmbeddedServer, folder: Path, url: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WAREHOUSE_", "SOURCES__"))}
    return own | {
        "WAREHOUSE_PORT": str(server.port),
        "WAREHOUSE_USER": server.user,
        "WAREHOUSE_PASSWORD": server.password,
        "WAREHOUSE_NOW": NOW,
        "SOURCES__PROMETHEUS__URL": f"{url}{api.PATH}",
        "SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT": f"{url}{wires.PATH}",
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_USE_COLORS": "false",
    }


def _make(warehouse: DemoWarehouse) -> None:
    warehouse.server.start()
    try:
        warehouse.module("demo")
        warehouse.module("ingest")
        warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    finally:
        warehouse.server.stop()


def _of_all_workers(temporary) -> Path:
    own = temporary.getbasetemp()
    made = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "demo_warehouse"
    made.mkdir(exist_ok=True)
    return made


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _copy(server: Path, other: Path) -> None:
    subprocess.run(["cp", "--archive", server, other], check=True)


@contextmanager
def _api() -> Iterator[str]:
    """Serve the company's API; gives its URL."""
    with api.serve(0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
