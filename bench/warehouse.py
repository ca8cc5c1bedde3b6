"""A PostgreSQL server of a bench's own, in a folder that goes with it, and the commands that work on it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

from bench.cost import Meter
from ingest.embedded import EmbeddedServer, binaries
from ingest.project import ROOT

DATABASE = "warehouse"
# The shell of who runs a bench may point elsewhere, or keep Python from storing what it has compiled.
FOREIGN = ("WAREHOUSE_", "SOURCES__", "DBT_", "PG", "PYTHONDONTWRITEBYTECODE")
SOURCES = ("WEBSITE", "EVENTS", "SPIDERS", "PROMETHEUS", "GOOGLE_ANALYTICS", "PIPELINE")
# All are off where a bench does not turn one on.
NO_SOURCE = {f"SOURCES__{source}__ENABLED": "false" for source in SOURCES}
# What all commands of all benches are told.
SETTINGS = {"DBT_USE_COLORS": "false"}


class BenchError(Exception):
    """A bench can't go on: a command failed, or two sides did not write the same."""


@dataclass
class Warehouse:
    """The server, a folder for files, and the environment that leads ingest and dbt to them."""

    server: EmbeddedServer
    folder: Path
    environment: dict[str, str]

    def meter(self, aside: Sequence[int] = ()) -> Meter:
        """Return what measures work on this server."""
        return Meter(int((self.server.folder / "pgdata" / "postmaster.pid").read_text().split()[0]), aside)

    def run(self, *command: str | Path, **variables: str) -> str:
        """Run a command that has to succeed; returns what it printed. Raises BenchError where it fails."""
        done = subprocess.run(
            [*map(str, command)],
            cwd=ROOT,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise BenchError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def module(self, *arguments: str, **variables: str) -> str:
        """Run a Python module, such as ingest, in a process of its own; returns what it printed."""
        return self.run(sys.executable, "-m", *arguments, **variables)

    def dbt(self, *arguments: str, **variables: str) -> str:
        """Run dbt in a process of its own; returns what it printed."""
        return self.run(Path(sys.executable).with_name("dbt"), *arguments, **variables)

    @contextmanager
    def talking(self, module: str, **variables: str) -> Iterator[subprocess.Popen]:
        """Start a Python module that does something for each line that it is sent, until the block ends."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = self.environment | variables
        with subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=environment, **pipes) as process:
            try:
                yield process
            finally:
                process.stdin.close()
                process.wait()

    def psql(self, statement: str, database: str = DATABASE) -> str:
        """Return the shell command that runs a statement, which holds no single quote, with psql."""
        return f"{binaries()}/psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -d {database} -c '{statement}'"

    def connect(self, database: str = DATABASE):
        """Return a psycopg2 connection, in UTC."""
        where = self.server
        return psycopg2.connect(
            host=where.host,
            port=where.port,
            user=where.user,
            password=where.password,
            dbname=database,
            options="-c timezone=UTC",
        )

    def execute(self, statement: str, parameters=None, database: str = DATABASE) -> None:
        """Run a statement and commit it."""
        with closing(self.connect(database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def command(self, statement: str, database: str = DATABASE) -> None:
        """Run a statement that stands in no transaction, such as vacuum."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statement)

    def rows(self, query: str, parameters=None, database: str = DATABASE) -> list[tuple]:
        """Return the rows of a query."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def check(self, table: str, count: int) -> None:
        """Raise BenchError where a table of the warehouse does not hold so many rows."""
        ((found,),) = self.rows(f"select count(*) from {table}")
        if found != count:
            raise BenchError(f"{table} holds {found:,} rows, not {count:,}")

    def empty(self, database: str = DATABASE) -> None:
        """Make a database anew, and write to disk what the last work left: the next one would pay for it."""
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f"drop database if exists {database} with (force)")
            cursor.execute(f"create database {database} template template0")
            cursor.execute("checkpoint")


@contextmanager
def warehouse(**variables: str) -> Iterator[Warehouse]:
    """Give a running server with an empty warehouse; `variables` are its environment's, such as WAREHOUSE_NOW."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "profiles.yml").write_text((ROOT / "profiles.example.yml").read_text())
        server = EmbeddedServer(folder / "server", "127.0.0.1", free_port(), "bench", "bench", DATABASE)
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        made = {
            "WAREHOUSE_PORT": str(server.port),
            "WAREHOUSE_USER": server.user,
            "WAREHOUSE_PASSWORD": server.password,
            "DBT_PROFILES_DIR": str(folder),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.user,
            "PGPASSWORD": server.password,
            "PGDATABASE": server.database,
        }
        server.start(say=lambda text: None)
        try:
            yield Warehouse(server, folder, own | made | SETTINGS | NO_SOURCE | variables)
        finally:
            server.stop()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
