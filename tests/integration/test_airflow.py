"""Airflow itself, as `make airflow` starts it: its scheduler runs both DAGs for a company of the test's own."""

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path

import psutil
import pytest
import requests

from tests.conftest import EVENTS, ROOT, SOURCE_TABLES, WAREHOUSE, WORKER, Server, free_port
from tests.facts import state

PYTHON = ROOT / "airflow" / ".venv" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="there is no airflow/.venv: make test makes it")

HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2025, 3, 11, 12, 5, tzinfo=dt.timezone.utc)
SOURCES = f"test_acme_{WORKER}"
CONFIG = f"""
company = "acme"

[sources.events]
url = "postgresql:///{SOURCES}"
table = "event"
columns = {{ event_id = "id", type = "kind" }}
start_at = "{NOW - 48 * HOUR}"

[sources.prometheus]
start_at = "{NOW - 48 * HOUR}"
"""
ON = ("events", "prometheus")  # in the order of the project's
# All that the registry has of Prometheus: what is never read is late.
METRICS = [
    "http.requests",
    "http.request_duration",
    "crawler.queue_length",
    "crawler.pages",
    "cache.requests",
    "database.size",
]
QUERIES = {metric.replace(".", "_"): {"metric": metric, "expr": "x", "value": "last"} for metric in METRICS}
EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}
COUNT = {"status": "success", "data": {"resultType": "vector", "result": []}}
ENDED = {"success", "failed"}
# Each question takes the API server some CPU.
PAUSE, PATIENCE = 1, 600


class Prometheus:
    """A server that has no series, and lets nobody in where `is_closed`; it notes how often it then was asked."""

    def __init__(self):
        """Listen on loopback."""
        self.is_closed, self.refused = False, 0
        prometheus = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(404, {})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(200, EMPTY if self.path.endswith("query_range") else COUNT)

            def answer(self, status: int, content: dict) -> None:
                prometheus.refused += prometheus.is_closed
                self.send_response(401 if prometheus.is_closed else status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()


class Acme:
    """A company with events in a database of its own, a Prometheus, and the environment of its commands."""

    def __init__(self, server: Server, profiles: Path, folder: Path, prometheus: str):
        """Make its database and settings, and 48 hours of events."""
        self.server = server
        server.create_database(SOURCES)
        server.create_database(WAREHOUSE)
        (folder / ".dlt").mkdir()
        (folder / ".dlt" / "config.toml").write_text(CONFIG)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SOURCES__")}
        self.environment |= server.environment | {
            "WAREHOUSE_NOW": NOW.isoformat(),
            "DLT_PROJECT_DIR": str(folder),
            "SOURCES__PROMETHEUS__URL": prometheus,
            "SOURCES__PROMETHEUS__QUERIES": json.dumps(QUERIES),
            "DBT_PROFILES_DIR": str(profiles),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "SITE_FOLDER": str(folder / "site"),
        }
        self.execute(SOURCE_TABLES[EVENTS], SOURCES)
        self.execute(
            f"""
            insert into event (id, kind, occurred_at, user_id, duration_ms)
            select
                n, (array['login', 'search', 'export'])[n % 3 + 1], timestamptz '{NOW}' - n * interval '15 minutes',
                n % 7, n
            from generate_series(0, 192) n
            """,
            SOURCES,
        )

    def execute(self, statement: str, database: str = WAREHOUSE) -> None:
        """Run a statement and commit it."""
        with closing(self.server.connect(database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, query: str) -> list[tuple]:
        """Return the rows of a query on the warehouse."""
        with closing(self.server.connect(WAREHOUSE)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def do(self, *module: str, now: dt.datetime = NOW) -> None:
        """Run one of the project's modules by hand; it has to succeed."""
        environment = self.environment | {"WAREHOUSE_NOW": now.isoformat()}
        done = subprocess.run(
            [sys.executable, "-m", *module], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def locked(self, key: str):
        """Hold an advisory lock of the warehouse for a block."""
        with closing(self.server.connect(WAREHOUSE)) as connection, connection.cursor() as cursor:
            cursor.execute(f"select pg_advisory_lock({key})")
            yield


class Service:
    """A running Airflow, asked over its REST API."""

    def __init__(self, process: psutil.Popen, url: str, password: str):
        """Log in."""
        self.process, self.url = process, url
        self.session = requests.Session()
        login = {"username": "admin", "password": password}
        token = self.session.post(f"{url}/auth/token", json=login, timeout=60).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, path: str, method: str = "GET", **body) -> dict:
        """Return an answer of the API, which has to be one of success."""
        given = {"json": body} if body else {}
        answer = self.session.request(method, f"{self.url}/api/v2/{path}", timeout=60, **given)
        assert answer.ok, answer.text
        return answer.json()

    def runs(self, dag: str) -> dict[str, list[str]]:
        """Return the ids of a DAG's runs, by what started them; the first one first."""
        found = defaultdict(list)
        for run in self.ask(f"dags/{dag}/dagRuns?order_by=id")["dag_runs"]:
            found[run["run_type"]].append(run["dag_run_id"])
        return found

    def times(self, dag: str, run: str) -> tuple[str, str]:
        """Return when a run started and when it ended."""
        found = self.ask(f"dags/{dag}/dagRuns/{run}")
        return found["start_date"], found["end_date"]

    def states(self, dag: str, run: str) -> dict[str, str]:
        """Return the state of each task of a run, by its name, and for a mapped one in brackets that of its source."""
        return {name: task["state"] for name, task in self._tasks(dag, run)}

    def is_tried_again(self, run: str, task: str) -> bool:
        """Return whether a task of a run of `hourly` has failed and waits for its next try."""
        return self.states("hourly", run).get(task) == "up_for_retry"

    def tries(self, dag: str, run: str) -> dict[str, int]:
        """Return the number of the last try of each task of a run."""
        return {name: task["try_number"] for name, task in self._tasks(dag, run)}

    def _tasks(self, dag: str, run: str) -> list[tuple[str, dict]]:
        found = self.ask(f"dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return [(_name(task), task) for task in found]

    def wait(self, dag: str, run: str) -> str:
        """Wait for the end of a run; returns its state."""
        wait_until(lambda: self.ask(f"dags/{dag}/dagRuns/{run}")["state"] in ENDED)
        return self.ask(f"dags/{dag}/dagRuns/{run}")["state"]

    def rest(self) -> None:
        """Let each run end, and start none: by the clock another hour may have begun."""
        for dag in ("hourly", "reconcile_daily"):
            for run in chain(*self.runs(dag).values()):
                self.wait(dag, run)
            self.ask(f"dags/{dag}", "PATCH", is_paused=True)


def _name(task: dict) -> str:
    # Not the name that Airflow shows: a mapped task that is to be tried again has none.
    return f"{task['task_id']}[{ON[task['map_index']]}]" if task["map_index"] >= 0 else task["task_id"]


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask until a condition holds; fail after ten minutes."""
    pause, ticks = threading.Event(), PATIENCE / PAUSE
    while not condition():
        ticks -= 1
        assert ticks > 0, "waited in vain"
        pause.wait(PAUSE)


@pytest.fixture(scope="module")
def prometheus():
    """Give the server."""
    with closing(Prometheus()) as server:
        yield server


@pytest.fixture(scope="module")
def acme(server, profiles, tmp_path_factory, prometheus) -> Acme:
    """Give the company."""
    return Acme(server, profiles, tmp_path_factory.mktemp("acme"), prometheus.url)


@pytest.fixture(scope="module")
def airflow(acme, tmp_path_factory):
    """Give Airflow with both DAGs paused; it tries again after seconds where a person's waits for minutes."""
    acme.server.create_database(f"{WAREHOUSE}_airflow")
    home = tmp_path_factory.mktemp("airflow")
    process = psutil.Popen(
        [sys.executable, "-m", "airflow.serve"],
        cwd=ROOT,
        env=acme.environment
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__PORT": str(free_port()),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "3",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        printed = iter(process.stdout.readline, "")
        ready = re.search(r"(http://127.0.0.1:\d+)  user admin, password (\w+);", "".join(_until("password", printed)))
        assert ready, (home / "api-server.log").read_text()
        service = Service(process, *ready.groups())
        wait_until(lambda: service.ask("dags")["total_entries"] == 2 or service.ask("importErrors")["import_errors"])
        yield service
    finally:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        process.wait()


def _until(word: str, lines):
    for line in lines:
        yield line
        if word in line:
            return


def test_both_dags_are_read_without_an_error_and_have_these_tasks(airflow):
    assert airflow.ask("importErrors")["import_errors"] == []
    tasks = {dag["dag_id"]: airflow.ask(f"dags/{dag['dag_id']}/tasks")["tasks"] for dag in airflow.ask("dags")["dags"]}
    found = {dag: {task["task_id"]: set(task["downstream_task_ids"]) for task in tasks[dag]} for dag in tasks}
    assert found == {
        "hourly": {
            "sources": {"ingest"},
            "ingest": {"all_well", "build"},
            "build": {"all_well", "freshness"},
            "freshness": {"all_well", "site"},
            "site": {"all_well", "notify"},
            "notify": {"all_well"},
            "all_well": set(),
        },
        "reconcile_daily": {
            "sources": {"ingest"},
            "ingest": {"all_well", "build"},
            "build": {"all_well"},
            "all_well": set(),
        },
    }
    pools = {pool["name"]: pool["slots"] for pool in airflow.ask("pools")["pools"]}
    assert {task["pool"] for dag in tasks.values() for task in dag} <= pools.keys()
    assert pools["builds"] == 1
    assert {task["retries"] for dag in tasks.values() for task in dag} == {3}


def test_runs_that_overlap_give_the_facts_of_one_after_the_other(airflow, acme, prometheus):
    """A scheduled run, and a backfill of an hour that it reads too; a source refuses both, and stops nothing else.

    Another run holds the other source, and a tick the warehouse, until a task of theirs has failed at it.
    """
    acme.do("ingest", now=NOW - HOUR)
    since, until = (NOW - 3 * HOUR).isoformat(), (NOW - 2 * HOUR).isoformat()
    acme.execute(
        f"""
        delete from event where id = (select min(id) from event where occurred_at >= '{since}');
        insert into event (id, kind, occurred_at) values (1001, 'login', '{since}'), (1002, 'logout', '{since}')
        """,
        SOURCES,
    )
    prometheus.is_closed = True
    with acme.locked("hashtext('ops.steps')"):
        with acme.locked("hashtext('raw.reads'), hashtext('events')"):
            airflow.ask("backfills", "POST", dag_id="hourly", from_date=since, to_date=since)
            airflow.ask("dags/hourly", "PATCH", is_paused=False)
            wait_until(lambda: {"backfill", "scheduled"} <= airflow.runs("hourly").keys())
            (backfill,), (scheduled, *_) = (airflow.runs("hourly")[kind] for kind in ("backfill", "scheduled"))
            both = (backfill, scheduled)
            wait_until(lambda: any(airflow.is_tried_again(run, "ingest[events]") for run in both))
        wait_until(lambda: any(airflow.is_tried_again(run, "build") for run in both))
    assert {airflow.wait("hourly", run) for run in both} == {"failed"}
    airflow.rest()
    prometheus.is_closed = False

    times = [airflow.times("hourly", run) for run in both]
    assert max(start for start, _ in times) < min(end for _, end in times)
    for run in both:
        assert airflow.states("hourly", run) == {
            "sources": "success",
            "ingest[events]": "success",
            "ingest[prometheus]": "failed",
            "build": "success",
            "freshness": "success",
            "site": "success",
            "notify": "success",
            "all_well": "upstream_failed",
        }
    tries = [airflow.tries("hourly", run) for run in both]
    assert max(each["ingest[events]"] for each in tries) > 1
    assert max(each["build"] for each in tries) > 1
    assert {each["ingest[prometheus]"] for each in tries} == {1}
    assert prometheus.refused == len([*chain(*airflow.runs("hourly").values())])
    shown = airflow.ask(f"dags/hourly/dagRuns/{scheduled}/taskInstances")["task_instances"]
    assert {task["rendered_map_index"] for task in shown if task["map_index"] >= 0} == set(ON)
    first = (NOW - 3 * HOUR).replace(minute=0)
    assert (first, first + 2 * HOUR) in acme.rows("select period_start, period_end from raw.reads where row_count > 0")

    found = state(acme)
    assert len(found["hourly"]) > 100
    acme.server.create_database(WAREHOUSE)
    acme.do("ingest", now=NOW - HOUR)
    acme.do("ingest", "events")
    acme.do("ingest", "events", "--from", since, "--to", until)
    acme.do("tick", "build")
    assert state(acme) == found


def test_the_night_finds_what_vanished(airflow, acme):
    """A row of two days ago, which no hourly run would look for; all tasks are well."""
    acme.do("ingest")
    acme.execute("delete from event where id = 190", SOURCES)
    airflow.ask("dags/reconcile_daily", "PATCH", is_paused=False)
    wait_until(lambda: "scheduled" in airflow.runs("reconcile_daily"))
    (nightly,) = airflow.runs("reconcile_daily")["scheduled"]
    assert airflow.wait("reconcile_daily", nightly) == "success"
    tasks = ["sources", *(f"ingest[{source}]" for source in ON), "build", "all_well"]
    assert airflow.states("reconcile_daily", nightly) == dict.fromkeys(tasks, "success")
    counted = "select count(*) from raw.events_events"
    built = "select sum(value) from core.fct_metric_hourly where metric = 'events.count'"
    assert acme.rows(counted) == acme.rows(built)
    assert acme.rows("select count(*) from raw.events_events where event_id = '190'") == [(0,)]
    assets = {event["name"] for event in airflow.ask("assets/events?limit=100")["asset_events"]}
    assert assets == {"raw.events", "raw.prometheus", "marts"}


def test_the_exit_code_decides_whether_a_task_is_tried_again_and_the_run_what_is_read(tmp_path):
    """In Airflow's Python, with a program that ends as it is told."""
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho $AIRFLOW_HOME\nexit $1\n")
    program.chmod(0o755)
    (tmp_path / "tick").mkdir()
    (tmp_path / "tick" / "order.py").write_text('STEPS = ("ingest", "build")')
    script = """if True:
        import datetime as dt
        from types import SimpleNamespace
        import business_dashboards as project
        for what, in_vain in (("read", project.READ_IN_VAIN), ("built", project.BUILT_IN_VAIN)):
            for code in (0, 1, 2, 3, 75, 78, 137):
                try:
                    command = ["python", str(code)]
                    task = project.ProjectCommand(task_id="x", command=command, in_vain=in_vain, parse=str)
                    ended = repr(task.execute({}))
                except project.AirflowException as error:
                    ended = type(error).__name__
                print("ended", what, code, ended)
        at = dt.datetime(2025, 3, 11, 7, 5, tzinfo=dt.timezone.utc)
        backfill = SimpleNamespace(run_type="backfill", data_interval_start=at, data_interval_end=at.replace(hour=8))
        manual = SimpleNamespace(run_type="manual")
        both = {"from": "2025-03-01T00:00Z", "to": "2025-03-02T00:00Z"}
        neither = dict.fromkeys(both)
        for run, params in ((manual, neither), (manual, both), (backfill, neither), (backfill, both)):
            print("range", *project.asked_range({"dag_run": run, "params": params}))
    """
    printed = subprocess.run(
        [PYTHON, "-c", script],
        env=os.environ
        | {
            "AIRFLOW_HOME": str(tmp_path),
            "BUSINESS_DASHBOARDS_ROOT": str(tmp_path),
            "PYTHONPATH": str(ROOT / "airflow" / "dags"),
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    again, in_vain = "AirflowException", "AirflowFailException"
    found = [line.split()[1:] for line in printed.splitlines() if line.startswith("ended")]
    codes = ["0", "1", "2", "3", "75", "78", "137"]
    assert found == [
        *(["read", *pair] for pair in zip(codes, ["''", again, in_vain, again, again, in_vain, again], strict=True)),
        *(["built", *pair] for pair in zip(codes, ["''", in_vain, in_vain, again, again, again, again], strict=True)),
    ]
    asked = "--from 2025-03-01T00:00Z --to 2025-03-02T00:00Z"
    interval = "--from 2025-03-11T07:05:00+00:00 --to 2025-03-11T08:05:00+00:00"
    assert [line[6:] for line in printed.splitlines() if line.startswith("range")] == ["", asked, interval, asked]


def test_ctrl_c_ends_all_of_it(airflow):
    family = airflow.process.children(recursive=True)
    assert len(family) >= 4
    airflow.process.send_signal(signal.SIGINT)
    assert airflow.process.wait() == 0
    assert [process for process in family if process.is_running()] == []
    with pytest.raises(requests.ConnectionError):
        airflow.ask("monitor/health")
