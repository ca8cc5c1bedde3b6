"""What ticks do to PostgreSQL, at a tenth of their price: python -m bench.replay, a process of its own.

It builds once with dbt, and then, for each line with a number that it reads, does so many times what a tick does: it
replaces the rows of the last hours in raw and logs a read, as ingest does, and runs the statements that dbt ran for its
models as they were.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

from bench.warehouse import BenchError, Warehouse
from ingest import warehouse
from ingest.hours import hour_of
from tick.dbt_runner import invoke
from tick.project import WITH_ROWS

READY = "ready"
# No row of theirs changes here; the plans of the judged ones are half of the time that all take.
UNCHANGED = ("mart_anomalies_hourly", "mart_anomalies_daily", "dim_hour", "dim_date", "fct_metric_revision")
# Of each type an event that comes in every other tick and goes in the next one: all values of the last hour change.
EXTRA = "event_id = type"
LAST_HOURS = "(select max(period_end) from raw.reads where stream = 'events.events') - interval '5 hours'"
TICK = (
    """
    insert into raw.reads (source, stream, period_start, period_end, started_at)
    select source, stream, period_end - interval '5 hours', period_end, period_end
    from raw.reads
    order by read_id desc
    limit 1
    """,
    f"""
    with gone as (
        delete from raw.events_events
        where {hour_of("occurred_at")} >= {LAST_HOURS}
        returning *
    )

    insert into raw.events_events
    select * from gone where not ({EXTRA})
    union all
    (
        select distinct on (type) type, type, occurred_at, user_id, duration_ms + 1, attributes
        from gone
        where not exists (select from gone where {EXTRA})
        order by type, occurred_at desc
    )
    """,
    "update raw.reads set finished_at = clock_timestamp(), row_count = 0 where finished_at is null",
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
    """Start it on a warehouse that has read events and nothing else."""
    with company.talking("bench.replay") as process:
        yield Replay(process)


def main() -> None:
    """Build, and tick for each line that comes in."""
    _build("--select", f"+{WITH_ROWS[1]}")
    models = _build("--select", WITH_ROWS[1], "--exclude", *UNCHANGED)
    print(READY, flush=True)
    with closing(warehouse.connect()) as connection:
        for line in sys.stdin:
            for _ in range(int(line)):
                for statement in TICK:
                    _execute(connection, [statement])
                for statements in models.values():
                    # dbt's temporary tables go with its connection, of which a model has one of its own.
                    _execute(connection, [*statements, "discard temp"])
            print(READY, flush=True)


def _build(*chosen: str) -> dict[str, list[str]]:
    """Run dbt build without tests; returns model -> the statements of its transaction, in order."""
    models: dict[str, list[str]] = {}

    def note(event) -> None:
        if event.info.name == "SQLQuery" and event.data.node_info.resource_type == "model":
            models.setdefault(event.data.node_info.node_name, []).append(event.data.sql)

    others = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    command = ["--log-level", "none", "--no-write-json", "build", "--threads", "1", *others, *chosen]
    result = invoke(*command, callbacks=[note])
    if not result.success:
        raise BenchError(f"dbt build failed: {result.exception or result.result}")
    return models


def _execute(connection, statements: list[str]) -> None:
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


if __name__ == "__main__":
    main()
