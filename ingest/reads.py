"""`raw.reads`, the only log: what to read next, what was read, and what a killed run left.

A read exists for dbt once it is finished. A run that dies leaves its reads open, and the next run
repeats their periods: so a kill changes no number (docs/time.md).
"""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg2

from ingest.errors import SetupError, SourceError
from ingest.hours import HOUR, business_timezone, ceil_hour, check_zone, floor_hour, midnight
from ingest.texts import one_line

# Each period is a condition of the source's query and of dlt's delete: past some dozens a plan gets slow.
MOST_PERIODS = 24
RECONCILE = dt.timedelta(days=7)
MOST_OF_AN_ERROR = 1000
BEGINNING = dt.datetime.min.replace(tzinfo=dt.timezone.utc)


class Period(NamedTuple):
    """[start, end), two aware instants in UTC; the start is the start of an hour."""

    start: dt.datetime
    end: dt.datetime

    @property
    def hours(self) -> int:
        """How many hours it touches."""
        return -(-(self.end - self.start) // HOUR)


def is_held() -> bool:
    """Return whether the clock is held still, by WAREHOUSE_NOW."""
    return bool(os.environ.get("WAREHOUSE_NOW"))


def now(connection) -> dt.datetime:
    """Return ingest's one clock, in UTC: WAREHOUSE_NOW where set, else the warehouse's clock.

    Raises SetupError where WAREHOUSE_NOW is no instant.
    """
    if is_held():
        return parse_instant(os.environ["WAREHOUSE_NOW"], "WAREHOUSE_NOW")
    with connection, connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        return cursor.fetchone()[0].astimezone(dt.timezone.utc)


def parse_instant(text: str, setting: str) -> dt.datetime:
    """Return the instant that an ISO 8601 text names, UTC where it names no zone.

    Raises SetupError, naming the setting, where it is none.
    """
    try:
        at = dt.datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
        return at.replace(tzinfo=at.tzinfo or dt.timezone.utc).astimezone(dt.timezone.utc)
    except (ValueError, OverflowError) as error:
        raise SetupError(f"{setting}: {text!r} is no instant; write one such as 2026-11-01T00:00Z") from error


def merge_periods(periods: list[Period], at_most: int = MOST_PERIODS) -> list[Period]:
    """Return the periods in order, those that touch made one, the smallest gaps closed down to `at_most`."""
    merged: list[Period] = []
    for period in sorted(periods):
        if merged and period.start <= merged[-1].end:
            merged[-1] = Period(merged[-1].start, max(merged[-1].end, period.end))
        else:
            merged.append(period)
    while len(merged) > at_most:
        closest = min(range(len(merged) - 1), key=lambda i: merged[i + 1].start - merged[i].end)
        merged[closest : closest + 2] = [Period(merged[closest].start, merged[closest + 1].end)]
    return merged


def _cut(periods: list[Period], oldest: dt.datetime, now: dt.datetime) -> list[Period]:
    """Return the periods without what the source keeps no more, and without what is yet to come."""
    cut = [Period(max(period.start, ceil_hour(oldest)), min(period.end, now)) for period in periods]
    return [period for period in cut if period.start < period.end]


@dataclass
class Reading:
    """What one run reads of one stream: a row of raw.reads a period, all finished together."""

    stream: str
    periods: list[Period]
    is_first: bool  # no read, open or finished, overlaps: nothing in raw to replace
    read_ids: list[int]
    row_count: int = 0
    is_failed: bool = False  # this stream alone could not be read: its reads stay open, those of others are finished
    with_finish: list[Callable] = field(default_factory=list)  # called with a cursor, in step 4's transaction

    @property
    def hours(self) -> int:
        """How many hours it touches."""
        return sum(period.hours for period in self.periods)

    def holds(self, at: dt.datetime) -> bool:
        """Return whether an instant is read."""
        return any(period.start <= at < period.end for period in self.periods)


class Reads:
    """The log of one source, held under the source's advisory lock: one run at a time reads a source."""

    def __init__(self, connection, source: str, now: dt.datetime):
        """Take the lock; raises SourceError where another run reads this source."""
        self.connection, self.source, self.now = connection, source, now
        self.byte_count = 0  # of the files that were loaded
        connection.autocommit = True
        (mine,) = self._row("select pg_try_advisory_lock(hashtext('raw.reads'), hashtext(%s))", source)
        if not mine:
            raise LockedError("another run is reading it; wait for that one to end")

    def first_start(self, stream: str) -> dt.datetime | None:
        """Return the start of the earliest period ever read of a stream."""
        (start,) = self._row("select min(period_start) from raw.reads where stream = %s", stream)
        return start

    def last_started(self, stream: str) -> dt.datetime | None:
        """Return when the latest finished read of a stream started."""
        query = "select max(started_at) from raw.reads where stream = %s and finished_at is not null"
        (started_at,) = self._row(query, stream)
        return started_at

    def open_periods(self, stream: str) -> list[Period]:
        """Return the periods of reads that died, which the next read has to repeat."""
        return self._periods(
            """
            select period_start, period_end from raw.reads
            where stream = %s and finished_at is null and repeated_by is null
            """,
            stream,
        )

    def unread(self, stream: str, start: dt.datetime) -> list[Period]:
        """Return what no finished read has held of the time from `start` to now, from whole hours on."""
        return self._gaps(stream, start, self.now, BEGINNING)

    def recent(self, stream: str, start: dt.datetime, lookback: dt.timedelta) -> list[Period]:
        """Return the last `lookback` of what was read, and on to now: where late rows are looked for."""
        end = self.last_end(stream)
        if end is None:
            return []
        return self._to_now(max(floor_hour(min(end, self.now) - lookback), floor_hour(start)))

    def reconcile_start(self, stream: str) -> dt.datetime:
        """Return 7 days before today, or before the end of what was read by yesterday: a pause delays no mending."""
        today = midnight(self.now)
        query = (
            "select max(period_end) from raw.reads where stream = %s and finished_at is not null and started_at < %s"
        )
        (end,) = self._row(query, stream, today)
        return min(today, end or today) - RECONCILE

    def reconcile(self, stream: str, since: dt.datetime, force: bool) -> list[Period]:
        """Return what of [since, today) no read of this business day has held; [since, now) with `force`."""
        today = midnight(self.now)
        return self._to_now(floor_hour(since)) if force else self._gaps(stream, floor_hour(since), today, today)

    @contextmanager
    def reading(self, wanted: dict[str, list[Period]], oldest: dt.datetime = BEGINNING) -> Iterator[dict[str, Reading]]:
        """Open the reads of the wanted periods by stream, and finish them when the block ends well.

        The periods of open reads are added to a stream's; what lies before `oldest`, which the source keeps
        no more, and what is yet to come is left out. An error is written to the open reads, and raised.
        """
        readings = {
            stream: self._begin(stream, periods, oldest)
            for stream, periods in wanted.items()
            if _cut(periods, oldest, self.now)
        }
        try:
            yield readings
            self._finish([reading for reading in readings.values() if not reading.is_failed])
        except Exception as error:
            self._note([reading for reading in readings.values() if not reading.is_failed], error)
            raise

    def fail(self, reading: Reading, error: Exception) -> None:
        """Give up one stream of a block, which goes on with the others: its reads stay open for the next run."""
        reading.is_failed = True
        self._note([reading], error)

    def shorten(self, reading: Reading, until: dt.datetime, error: Exception) -> None:
        """End a reading at an instant up to which it got: what comes after it stays open for the next run."""
        with self.connection.cursor() as cursor:
            # Sent at once, which makes it one transaction: no instant of the period is ever without a read.
            cursor.execute(
                """
                insert into raw.reads (source, stream, period_start, period_end, started_at, error)
                select source, stream, %(until)s, period_end, started_at, %(error)s
                from raw.reads
                where read_id = any(%(ids)s) and period_start < %(until)s and period_end > %(until)s;

                update raw.reads set period_end = %(until)s
                where read_id = any(%(ids)s) and period_start < %(until)s and period_end > %(until)s;

                update raw.reads set error = %(error)s
                where read_id = any(%(ids)s) and period_start >= %(until)s
                """,
                {"until": until, "ids": reading.read_ids, "error": str(error).strip()[:MOST_OF_AN_ERROR]},
            )
        kept = [pair for pair in zip(reading.periods, reading.read_ids, strict=True) if pair[0].start < until]
        reading.periods = [Period(period.start, min(period.end, until)) for period, _ in kept]
        reading.read_ids = [read_id for _, read_id in kept]

    def closed_until(self) -> dt.datetime | None:
        """Return the latest instant before which rows of this source were pruned: no read changes a number there."""
        (until,) = self._row("select max(until) from ops.closed where split_part(stream, '.', 1) = %s", self.source)
        return until

    def last_end(self, stream: str) -> dt.datetime | None:
        """Return until when a stream was ever read."""
        (end,) = self._row(
            "select max(period_end) from raw.reads where stream = %s and finished_at is not null", stream
        )
        return end

    def _begin(self, stream: str, periods: list[Period], oldest: dt.datetime) -> Reading:
        periods = merge_periods(_cut(periods + self.open_periods(stream), oldest, self.now))
        starts, ends = [period.start for period in periods], [period.end for period in periods]
        check_zone(business_timezone(), starts[0], self.now)
        (overlaps,) = self._row(
            """
            select exists (
                select from raw.reads r, unnest(%s::timestamptz[], %s::timestamptz[]) p (start_at, end_at)
                where r.stream = %s and r.period_start < p.end_at and r.period_end > p.start_at
            )
            """,
            starts,
            ends,
            stream,
        )
        # One statement, one transaction: a dead read is let go only when an open one holds its period.
        read_ids = self._row(
            """
            with begun as (
                insert into raw.reads (source, stream, period_start, period_end, started_at)
                select %s, %s, start_at, end_at, %s
                from unnest(%s::timestamptz[], %s::timestamptz[]) p (start_at, end_at)
                returning read_id, period_start, period_end
            ),

            repeated as (
                update raw.reads dead
                set repeated_by = coalesce(
                    (
                        select begun.read_id from begun
                        where begun.period_start <= dead.period_start and begun.period_end >= dead.period_end
                    ),
                    (select min(begun.read_id) from begun)
                )
                where dead.stream = %s and dead.finished_at is null and dead.repeated_by is null
            )

            select array_agg(read_id order by period_start) from begun
            """,
            self.source,
            stream,
            self.now,
            starts,
            ends,
            stream,
        )[0]
        return Reading(stream, periods, not overlaps, read_ids)

    def _finish(self, readings: list[Reading]) -> None:
        self.connection.autocommit = False
        with self.connection, self.connection.cursor() as cursor:
            for reading in readings:
                for step in reading.with_finish:
                    step(cursor)
                # The rows of a run stand with its first period: nobody counts them by period.
                cursor.execute(
                    """
                    update raw.reads
                    set finished_at = clock_timestamp(),
                        row_count = case read_id when %(first)s then %(rows)s else 0 end
                    where read_id = any(%(ids)s)
                    """,
                    {"first": reading.read_ids[0], "rows": reading.row_count, "ids": reading.read_ids},
                )
        self.connection.autocommit = True

    def _note(self, readings, error: Exception) -> None:
        ids = [read_id for reading in readings for read_id in reading.read_ids]
        try:
            self.connection.rollback()
            self.connection.autocommit = True
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "update raw.reads set error = %s where read_id = any(%s)",
                    (one_line(str(error))[:MOST_OF_AN_ERROR], ids),
                )
        except psycopg2.Error:
            pass  # the warehouse is gone: the reads stay open all the same

    def _gaps(self, stream: str, start: dt.datetime, end: dt.datetime, since: dt.datetime) -> list[Period]:
        """Return what of a time no finished read has held that started at `since` or later, from whole hours on."""
        gaps = self._periods(
            """
            select lower(gap), upper(gap)
            from unnest(
                tstzmultirange(tstzrange(%s, %s))
                - (
                    select coalesce(range_agg(tstzrange(period_start, period_end)), '{}')
                    from raw.reads
                    where stream = %s and finished_at is not null and started_at >= %s
                )
            ) gap
            """,
            start,
            max(start, end),
            stream,
            since,
        )
        return [Period(floor_hour(gap.start), gap.end) for gap in gaps]

    def _to_now(self, start: dt.datetime) -> list[Period]:
        return [Period(start, self.now)] if start < self.now else []

    def count(self, table: str, condition: str, period: Period) -> int:
        """Return how many rows of a raw table meet a condition on the period's two bounds."""
        return self._row(f"select count(*) from raw.{table} where {condition}", *period)[0]

    def rows(self, query: str, *parameters) -> list[tuple]:
        """Return the rows of a query on the warehouse."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def _row(self, query: str, *parameters) -> tuple:
        return self.rows(query, *parameters)[0]

    def _periods(self, query: str, *parameters) -> list[Period]:
        return [Period(*row) for row in self.rows(query, *parameters)]


class LockedError(SourceError):
    """Another run reads this source right now."""
