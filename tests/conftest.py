"""A private server for the whole run, and a small company on it for each test."""

import datetime as dt
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg2
import pytest

from ingest.embedded import EmbeddedServer
from tests.faults import table as faults
from tick.dbt_runner import invoke

ROOT = Path(__file__).resolve().parent.parent
# Databases of their own, so that the tests may run on a server of the user's, beside real ones and each other.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
WAREHOUSE, WEBSITE, EVENTS = f"test_warehouse_{WORKER}", f"demo_test_website_{WORKER}", f"demo_test_events_{WORKER}"
SPIDERS = f"demo_test_spiders_{WORKER}"
FACTS = "core,config.materialized:incremental"
FACTS_AND_MARTS = ("+core", "+mart_hourly", "+mart_daily")
BUILD_FACTS = ("build", "--exclude-resource-type", "unit_test", "--select", *FACTS_AND_MARTS)
SOURCE_TABLES = {
    WEBSITE: """
        create table apercite_account_user (
            id bigint primary key, email text, created_at timestamptz not null default now()
        );
        create table apercite_account_userprofile (
            id bigint primary key, user_id bigint, created_at timestamptz not null default now()
        );
        create table apercite_account_apikey (
            id bigint primary key, user_id bigint, key text, created_at timestamptz not null default now()
        );
    """,
    EVENTS: """
        create table event (
            id bigint primary key, kind text not null, occurred_at timestamptz not null,
            recorded_at timestamptz not null default now(), user_id bigint, duration_ms int,
            attributes jsonb not null default '{}'
        );
        create index on event (occurred_at);
        create index on event (recorded_at);
    """,
    SPIDERS: """
        create table spider (id bigint primary key, value text, created_at timestamptz not null default now());
        create table spider_status (spider_id bigint, attributes jsonb, created_at timestamptz not null);
        create index on spider_status (created_at);
    """,
}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server on which tests may make databases."""

    host: str
    port: int
    user: str
    password: str

    def connect(self, database: str | None = None):
        """Return a psycopg2 connection to a database, `postgres` by default."""
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=database or "postgres",
            options="-c timezone=UTC",
        )

    def create_database(self, name: str) -> None:
        """Make an empty database; one of that name goes."""
        with closing(self.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f'drop database if exists "{name}" with (force)')
                cursor.execute(f'create database "{name}"')

    @property
    def environment(self) -> dict[str, str]:
        """The WAREHOUSE_* that point everything at this server's test warehouse."""
        return {
            "WAREHOUSE_HOST": self.host,
            "WAREHOUSE_PORT": str(self.port),
            "WAREHOUSE_USER": self.user,
            "WAREHOUSE_PASSWORD": self.password,
            "WAREHOUSE_DATABASE": WAREHOUSE,
        }


def pytest_configure() -> None:
    """Choose the seed of the faults, unless it is given, for this process and its workers."""
    os.environ.setdefault("FAULT_SEED", str(random.randrange(10**6)))


def pytest_report_header() -> str:
    """Say with which seed the faults can be repeated."""
    return f"faults: FAULT_SEED={os.environ['FAULT_SEED']}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the short form of the faults in one process: its company takes half a minute to make."""
    if config.getvalue("dist") != "loadfile" or faults.IS_LONG:
        return None
    from xdist.scheduler import LoadFileScheduling

    class FaultsTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/faults" if nodeid.startswith("tests/faults/") else super()._split_scope(nodeid)

    return FaultsTogether(config, log)


def pytest_terminal_summary(terminalreporter) -> None:
    """Show the table of faults, where some were tried, and keep it in target/."""
    lines = faults.rows(report for reports in terminalreporter.stats.values() for report in reports if _is_call(report))
    if lines:
        faults.write(lines, ROOT / "target" / "faults.md")
        terminalreporter.section(f"faults (FAULT_SEED={os.environ['FAULT_SEED']}), also in target/faults.md")
        terminalreporter.write_line("\n".join(lines))


def _is_call(report) -> bool:
    return getattr(report, "when", None) == "call"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where CI runs as root, as it does on Debian, a test that is skipped has failed: all it needs can be installed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and os.geteuid() == 0:
        report.outcome = "failed"
    return report


def free_port() -> int:
    """Return a port on which nothing listens."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def memory() -> str | None:
    """Return a folder in memory that has room for a server's data; None where there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2**30 else None


@pytest.fixture(scope="session")
def server():
    """Give a private embedded server, or the user's own where WAREHOUSE_HOST names one."""
    if os.environ.get("WAREHOUSE_HOST"):
        variables = [os.environ.get(f"WAREHOUSE_{name}", "") for name in ("HOST", "PORT", "USER", "PASSWORD")]
        host, port, user, password = variables
        yield Server(host, int(port or 5432), user, password)
        return
    with tempfile.TemporaryDirectory(prefix="bd-", dir=memory()) as folder:
        embedded = EmbeddedServer(Path(folder), "127.0.0.1", free_port(), "tester", "secret word", "postgres")
        embedded.start()
        yield Server(embedded.host, embedded.port, embedded.user, embedded.password)
        embedded.stop()


@pytest.fixture(scope="session")
def profiles(tmp_path_factory) -> Path:
    """Give a folder with a profiles.yml, and one for what dbt writes."""
    folder = tmp_path_factory.mktemp("dbt")
    (folder / "profiles.yml").write_text((ROOT / "profiles.example.yml").read_text())
    return folder


def manifest():
    """Return what dbt's parser makes of the project, parsed once a process, for builds of any company's.

    The environment has to be a company's, of which the database's name alone is in it; no clock is. Yet with another
    clock dbt would parse anew all that asks for it: a third of a build of nothing new.
    """
    # A copy, since a build writes what it compiled into it, and the next would take that for its own.
    return _parsed().deepcopy()


@cache
def _parsed():
    return invoke("parse").result


class Company:
    """A company with two source databases and a warehouse, all empty at first; a third one where it has spiders."""

    def __init__(self, server: Server, monkeypatch, capfd, profiles: Path):
        """Make the databases, and point ingest and dbt at them."""
        self.server, self.monkeypatch, self.capfd = server, monkeypatch, capfd
        for name in (WAREHOUSE, WEBSITE, EVENTS):
            server.create_database(name)
        for name in (WEBSITE, EVENTS):
            self.execute(SOURCE_TABLES[name], database=name)
        variables = server.environment | {
            "SOURCES__WEBSITE__URL": f"postgresql:///{WEBSITE}",
            "SOURCES__EVENTS__URL": f"postgresql:///{EVENTS}",
            "SOURCES__SPIDERS__ENABLED": "false",
            # Their servers are not there but where a test starts one.
            "SOURCES__PROMETHEUS__ENABLED": "false",
            "SOURCES__GOOGLE_ANALYTICS__ENABLED": "false",
            "SOURCES__PIPELINE__ENABLED": "false",
            "DBT_PROFILES_DIR": str(profiles),
            "DBT_TARGET_PATH": str(profiles / "target"),
            "DBT_LOG_PATH": str(profiles / "logs"),
            "DBT_USE_COLORS": "false",
            # A sixth of an in-process build of nothing new is the writing of its manifest, which no test here reads.
            "DBT_WRITE_JSON": "false",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        self.now = dt.datetime(2026, 3, 10, 12, 5, tzinfo=dt.timezone.utc)

    @property
    def now(self) -> dt.datetime:
        """The clock of ingest and dbt."""
        return self._now

    @now.setter
    def now(self, at: dt.datetime) -> None:
        self._now = at
        self.monkeypatch.setenv("WAREHOUSE_NOW", at.isoformat())

    def set(self, **variables: str) -> None:
        """Set environment variables for ingest and dbt."""
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def execute(self, statement: str, parameters=None, database: str = WAREHOUSE) -> None:
        """Run a statement and commit it."""
        with closing(self.server.connect(database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def rows(self, query: str, parameters=None, database: str = WAREHOUSE) -> list[tuple]:
        """Return the rows of a query."""
        with closing(self.server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def value(self, query: str, parameters=None, database: str = WAREHOUSE):
        """Return the one value of a query."""
        return self.rows(query, parameters, database)[0][0]

    def add_events(self, *events: tuple) -> None:
        """Add events (id, kind, occurred_at, ...) to the source; recorded when they occurred unless given."""
        with closing(self.server.connect(EVENTS)) as connection, connection, connection.cursor() as cursor:
            for event in events:
                id_, kind, occurred_at, *rest = event
                cursor.execute(
                    "insert into event (id, kind, occurred_at, recorded_at) values (%s, %s, %s, %s)",
                    (id_, kind, occurred_at, rest[0] if rest else occurred_at),
                )

    def add_spiders(self) -> None:
        """Make the spiders' database, empty, and turn the source on."""
        self.server.create_database(SPIDERS)
        self.execute(SOURCE_TABLES[SPIDERS], database=SPIDERS)
        self.set(SOURCES__SPIDERS__URL=f"postgresql:///{SPIDERS}", SOURCES__SPIDERS__ENABLED="true")

    def ingest(self, *arguments: str) -> tuple[int, str]:
        """Run ingest in this process; returns its exit code and what it printed."""
        from ingest.__main__ import main

        self.capfd.readouterr()
        code = main(list(arguments))
        printed = self.capfd.readouterr()
        return code, printed.out + printed.err

    def read(self, *arguments: str) -> None:
        """Run ingest, and fail with what it printed where not all was read."""
        code, printed = self.ingest(*arguments)
        assert code == 0, printed

    def dbt(self, *arguments: str, project: Path = ROOT):
        """Run dbt in this process; returns dbt's result."""
        return invoke(*arguments, project=project)

    def build(self, *arguments: str) -> None:
        """Run dbt build without its unit tests, and fail with what it printed where it fails."""
        self.capfd.readouterr()
        parsed = {} if "--vars" in arguments else {"manifest": manifest()}
        result = invoke("build", "--exclude-resource-type", "unit_test", *arguments, **parsed)
        assert result.success, self.capfd.readouterr().out

    def build_facts(self, *arguments: str) -> None:
        """Build the facts, and the views between where they are missing: each costs 40 ms, and no clock is in them."""
        are_there = self.value(
            "select num_nulls(to_regclass('marts.mart_hourly'), to_regclass('marts.mart_daily')) = 0"
        )
        self.build("--select", *((FACTS,) if are_there else FACTS_AND_MARTS), *arguments)

    @contextmanager
    def process(self, *command: str):
        """Start a Python module in a process of its own; it is killed where the block ends before it."""
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def company(server, monkeypatch, capfd, profiles) -> Company:
    """Give a company of its own to a test."""
    return Company(server, monkeypatch, capfd, profiles)
