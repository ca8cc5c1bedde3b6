"""What ticks do to PostgreSQL, at a quarter of their price: python -m bench.replay, a process of its own.

It builds once with dbt, and then, for each line with a number that it reads, does so many times what a tick does: the
source changes, ingest reads its last hours again, and the statements that dbt ran for its models are run as they were.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

import psycopg2

from bench.warehouse import BenchError, Warehouse
from ingest import warehouse
from ingest.__main__ import exit_code, outcomes
from ingest.project import ROOT
from tick.project import WITH_ROWS

READY = "ready"
# Their plans are half of the time that the models take, and no row of theirs changes here.
JUDGED = ("mart_anomalies_hourly", "mart_anomalies_daily")
# Each type of event is there once more in every other tick, so that all values of the hour change, and come back.
CHANGE = (
    """
    insert into event (id, kind, occurred_at, recorded_at, user_id, duration_ms, attributes)
    select distinct on (kind) -id, kind, occurred_at, recorded_at, user_id, duration_ms + 1, attributes
    from event
    where occurred_at >= (select max(occurred_at) - interval '1 hour' from event)
    order by kind, id
    """,
    "delete from event where id < 0",
)


class Replay:
    """The process."""

    def __init__(self, process: subprocess.Popen):
        """Wait until it has built."""
        self._process = process
        self._await()

    def ticks(self, number: int) -> None:
        """Do what so many ticks do. Raises BenchError where it fails."""
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        self._await()

    def _await(self) -> None:
        for line in self._process.stdout:
            if line.strip() == READY:
                return
        raise BenchError("the replay of ticks ended")


@contextmanager
def replay(company: Warehouse) -> Iterator[Replay]:
    """Start it on a warehouse whose only source is events."""
    command = [sys.executable, "-m", "bench.replay"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=company.environment, **pipes) as process:
        try:
            yield Replay(process)
        finally:
            process.stdin.close()
            process.wait()


def main() -> None:
    """Build, and tick for each line that comes in."""
    _ingest()
    _build()
    models = _build("--select", WITH_ROWS[1], "--exclude", *JUDGED)
    change = count()
    print(READY, flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            _execute(psycopg2.connect(os.environ["SOURCES__EVENTS__URL"]), [CHANGE[next(change) % 2]])
            _ingest()
            for statements in models.values():
                _execute(warehouse.connect(), statements)
        print(READY, flush=True)


def _ingest() -> None:
    found = outcomes(["events"], is_quiet=True)
    if exit_code(found):
        raise BenchError(found[0].message)


def _build(*chosen: str) -> dict[str, list[str]]:
    """Run dbt build without tests; returns model -> the statements of its transaction, in order."""
    from dbt.cli.main import dbtRunner

    models: dict[str, list[str]] = {}

    def note(event) -> None:
        if event.info.name == "SQLQuery" and event.data.node_info.resource_type == "model":
            models.setdefault(event.data.node_info.node_name, []).append(event.data.sql)

    others = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    command = ["--log-level", "none", "--no-write-json", "build", "--threads", "1", *others, *chosen]
    result = dbtRunner(callbacks=[note]).invoke([*command, "--project-dir", str(ROOT)])
    if not result.success:
        raise BenchError(f"dbt build failed: {result.exception or result.result}")
    return models


def _execute(connection, statements: list[str]) -> None:
    """Run statements in a transaction, on a connection of their own: dbt's temporary tables go with it."""
    with closing(connection), connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


if __name__ == "__main__":
    main()
