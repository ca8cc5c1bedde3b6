"""python -m ingest.prune [--yes]: drop raw rows past a source's `prune_after_days`, and close their hours.

Facts, user activity and revisions stay. Without --yes it says what it would do.
"""

import argparse
import datetime as dt
import sys
from contextlib import closing

from ingest import loader, settings
from ingest.errors import SetupError, SourceError
from ingest.hours import hour_of, midnight
from ingest.raw import old_months
from ingest.reads import Reads, now
from ingest.sources import events

# Stream -> its raw table and the column of its time. Counts and objects are small, and are never pruned.
PRUNED = {events.STREAM: (events.TABLE.name, "occurred_at")}


def main(arguments: list[str] | None = None) -> int:
    """Prune what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingest.prune", description=__doc__.splitlines()[0])
    parser.add_argument("--yes", action="store_true", help="do it; without, say what would be done")
    given = parser.parse_args(arguments)
    try:
        if not settings.is_on("events"):
            print("prune: events are off: nothing to do")
            return 0
        days = settings.resolve("events", events.SETTINGS).prune_after_days
        if days is None:
            print("prune: [sources.events] prune_after_days is not set: raw rows are kept for ever")
            return 0
        with closing(loader.connect()) as connection:
            at = now(connection)
            reads = Reads(connection, "events", at)
            print(prune(reads, events.STREAM, midnight(at - dt.timedelta(days=days)), given.yes))
        return 0
    except (SetupError, SourceError) as error:
        print(f"prune: {error}", file=sys.stderr)
        return 2


def prune(reads: Reads, stream: str, until: dt.datetime, really: bool) -> str:
    """Drop a stream's raw rows before a business midnight and close their hours; returns what was done, in a line.

    Raises SourceError where a fact has not built them yet, or a read of them is open.
    """
    table, column = PRUNED[stream]
    is_old = f"{hour_of(column)} < %s"  # what raw is indexed by; a midnight is the start of an hour
    ((row_count,),) = reads.rows(f"select count(*) from raw.{table} where {is_old}", until)
    what = f"{row_count:,} rows of raw.{table} before {until:%Y-%m-%d %H:%M} UTC"
    _check_built(reads, stream, until)
    if not really:
        return f"prune: would drop {what} and close their hours; `make prune YES=1` does it"
    reads.connection.autocommit = False
    with reads.connection, reads.connection.cursor() as cursor:
        cursor.execute(
            """
            insert into ops.closed (stream, until, last_read_id)
            select %(stream)s, %(until)s, coalesce(max(read_id), 0) from raw.reads
            on conflict (stream) do update
            set until = greatest(closed.until, excluded.until), last_read_id = excluded.last_read_id
            """,
            {"stream": stream, "until": until},
        )
        for month in old_months(reads.connection, table, until):
            cursor.execute(f"drop table {month}")
        cursor.execute(f"delete from raw.{table} where {is_old}", (until,))
    return f"prune: dropped {what}; their hours are closed"


def _check_built(reads: Reads, stream: str, until: dt.datetime) -> None:
    (waiting,) = reads.rows(
        """
        select count(*)
        from raw.reads r
        where r.stream = %s
            and r.period_start < %s
            and r.repeated_by is null
            and (
                r.finished_at is null
                or exists (
                    select from (select distinct fact from ops.built_reads) facts
                    where not exists (
                        select from ops.built_reads built
                        where built.fact = facts.fact and built.read_id = r.read_id
                    )
                )
            )
        """,
        stream,
        until,
    )[0]
    if waiting:
        raise SourceError(
            f"{waiting} reads of {stream} are not in all facts yet: `make ingest && dbt build` first, then prune again"
        )


if __name__ == "__main__":
    sys.exit(main())
