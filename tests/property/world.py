"""Sources that change at will, and the real `raw.reads` over them: runs that overlap, repeat, come late and die.

Each source lives a life of its own, a function of the seed alone: its changes, its clock, its reads and their kills
are the same whatever happens beside it. So two interleavings of one seed must end in the same facts.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from random import Random

from psycopg2.errors import LockNotAvailable
from psycopg2.extras import execute_values

from ingest import load
from ingest.errors import SourceError
from ingest.hours import ceil_midnight, floor_hour, midnight
from ingest.raw import Table
from ingest.reads import Period, Reading, Reads
from ingest.sources import events, prometheus, spiders, website
from ingest.sources.prometheus.queries import business_days
from tests.property.warehouse import AT_ONCE, Killed, Warehouse

HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
MICROSECOND = dt.timedelta(microseconds=1)
LOOKBACK = 6 * HOUR
# 72 hours that hold the 25-hour day of Paris.
START = dt.datetime(2026, 10, 24, tzinfo=dt.timezone.utc)
END = START + 72 * HOUR

# Counts so large that a sum of some is not exact: it changes with the order of the rows.
HUGE = 999_999_999_999_989


def interleave(random: Random, lives: list[Iterator]) -> None:
    """Let one of the lives take a step, and another, until all have ended."""
    while lives:
        life = random.choice(lives)
        try:
            next(life)
        except StopIteration:
            lives.remove(life)


class Source:
    """What sources share: a clock, a table to load into, reads that die."""

    name: str

    def __init__(self, warehouse: Warehouse, seed: int, seen: Counter, is_disturbing):
        """Live the life that the seed says; `is_disturbing` tells whether a fact's transaction is open."""
        self.warehouse, self.seen, self.is_disturbing = warehouse, seen, is_disturbing
        self.random = Random(f"{self.name} {seed}")
        self.connection = warehouse.connection(self.name)
        self.connection.autocommit = True
        self.now = START + self.random.randint(8, 40) * HOUR + self.random.randrange(60) * MINUTE
        self.is_mortal = True
        self.prepare()

    def prepare(self) -> None:
        """Make what a source begins with."""

    def life(self) -> Iterator[None]:
        """Change and be read, again and again; the last read is the hourly one, and it does not die."""
        for _ in range(self.random.randint(3, 7)):
            yield from self._tick()
        self.is_mortal = False
        yield from self._tick()

    def _tick(self) -> Iterator[None]:
        self.now += self.random.choice((0.2, 1, 1, 3, 9)) * HOUR + self.random.randrange(1, 60) * MINUTE
        self.change()
        yield
        try:
            yield from self.read()
        except Killed:
            self.connection.rollback()
            self.connection.autocommit = True
        finally:
            self._execute("select pg_advisory_unlock_all()")

    def change(self) -> None:
        """Let time pass at the source."""
        raise NotImplementedError

    def read(self) -> Iterator[None]:
        """Run ingest once."""
        raise NotImplementedError

    def _reading(self, wanted: dict[str, list[Period]], reads: Reads) -> Iterator[None]:
        """The four steps of a read, with `_load` as the third of them."""
        self._may_die("before the intent", 0.05)
        with reads.reading(wanted) as readings:
            yield
            self._may_die("after the intent", 0.08)
            for stream, reading in readings.items():
                yield from self._load(stream, reading)
                yield
            self._may_die("before the finish", 0.12)
        self.seen["reads"] += 1
        self.seen["reads finished while a fact is built"] += self.is_disturbing()

    def _load(self, stream: str, reading: Reading) -> Iterator[None]:
        raise NotImplementedError

    def _append(self, table: str, rows: list[tuple]) -> Iterator[None]:
        """What dlt does where nothing is replaced: two files, each a transaction."""
        half = len(rows) // 2
        self._insert(f"raw.{table}", rows[:half])
        yield
        self._may_die("between two files", 0.4)
        self._insert(f"raw.{table}", rows[half:])

    def _replace(self, table: str, rows: list[tuple], replaces: str, adds: str = "true") -> None:
        """What dlt does where rows are replaced: to a table beside it, then delete and insert in one transaction."""
        staging = f"raw_staging.{table}"
        self._execute(f"truncate {staging}")
        self._insert(staging, rows)
        scope = replaces.format(table=f"raw.{table}", staging_table=staging)
        self._execute(
            f"begin; delete from raw.{table} where {scope}; "
            f"insert into raw.{table} select * from {staging} as {table} where {adds}; commit"
        )

    def _insert(self, table: str, rows: list[tuple]) -> None:
        if rows:
            with self.connection.cursor() as cursor:
                execute_values(cursor, f"insert into {table} values %s", rows)

    def _execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def _may_die(self, where: str, probability: float) -> None:
        if self.random.random() < probability and self.is_mortal:
            self.seen[f"ingest killed {where}"] += 1
            raise Killed

    def _moment(self) -> dt.datetime:
        return START + self.random.random() * (min(self.now, END) - START)


class Hourly(Source):
    """A source whose periods are replaced whole: rows that come, late too, move to any hour, change and vanish."""

    stream: str
    table: Table
    time: int  # the number of the column that says when
    columns = "*"

    def prepare(self) -> None:
        """No row, and nothing of any read."""
        self.rows: dict[str, tuple] = {}
        self.held: list[tuple] = []  # what raw should hold: each hour as its latest read saw it

    def there(self) -> list[tuple]:
        """Return the source's rows as a read finds them."""
        return list(self.rows.values())

    def change(self) -> None:
        """Some of few rows, so that the same are touched all the time."""
        for _ in range(self.random.randrange(10)):
            id_ = str(self.random.randrange(40))
            row = self.row(id_)
            self._note(self.rows.get(id_), row)
            self.rows[id_] = row
            if self.random.random() < 0.3:
                del self.rows[self.random.choice(list(self.rows))]
                self.seen["rows that vanished"] += 1

    def row(self, id_: str) -> tuple:
        """Return a new row."""
        raise NotImplementedError

    def _note(self, old: tuple | None, new: tuple) -> None:
        if old is None:
            self.seen["rows that came late"] += new[self.time] < self.now - 10 * HOUR
        else:
            self.seen["rows that moved between hours"] += floor_hour(old[self.time]) != floor_hour(new[self.time])

    def read(self) -> Iterator[None]:
        """The hourly run, or ranges old and new."""
        reads = Reads(self.connection, self.name, self.now)
        ranges = self.random.random() < 0.5 and self.is_mortal
        periods = self._ranges() if ranges else self._due(reads)
        yield from self._reading({self.stream: periods}, reads)

    def _due(self, reads: Reads) -> list[Period]:
        """Return what the hourly run reads, and remember from when on it must find what is late."""
        newest = self.warehouse.value(
            "select max(period_end) from raw.reads where stream = %s and finished_at is not null", (self.stream,)
        )
        self.looked_back_to = max(floor_hour(newest - LOOKBACK), START) if newest else START
        return [*reads.unread(self.stream, START), *reads.recent(self.stream, START, LOOKBACK)]

    def _ranges(self) -> list[Period]:
        found = []
        for _ in range(self.random.choice((1, 1, 2, 3))):
            start = START + self.random.randrange(68) * HOUR
            cut = self.random.choice((0, 0, self.random.randrange(1, 60))) * MINUTE
            found.append(Period(start, start + self.random.choice((1, 2, 4, 8, 72)) * HOUR - cut))
        return found

    def _load(self, stream: str, reading: Reading) -> Iterator[None]:
        def is_inside(row: tuple) -> bool:
            return any(period.start <= row[self.time] < period.end for period in reading.periods)

        rows = [row for row in self.there() if is_inside(row)]
        if reading.is_first:
            self.seen["reads that append"] += 1
            yield from self._append(self.table.name, rows)
        else:
            time_column = list(self.table.columns)[self.time]
            self._replace(self.table.name, rows, load.within_open_reads(stream, time_column))
        self.held = [row for row in self.held if not is_inside(row)] + rows

    def law(self) -> None:
        """Raw equals the source as each hour's latest read saw it, and the last read found what came late."""
        held = self.warehouse.rows(f"select {self.columns} from raw.{self.table.name}")
        assert sorted(held, key=repr) == sorted(self.held, key=repr), "law: raw is what each hour's latest read saw"
        recent = [row for row in held if row[self.time] >= self.looked_back_to]
        there = [row for row in self.there() if self.looked_back_to <= row[self.time] < self.now]
        assert sorted(recent, key=repr) == sorted(there, key=repr), "law: what is late within the lookback is found"


class Events(Hourly):
    """Events that change their type too."""

    name, stream, table, time = "events", events.STREAM, events.TABLE, 2

    def row(self, id_: str) -> tuple:
        """Return an event."""
        user = self.random.choice(("ada", "bob", None))
        took = self.random.choice((None, -5, 0, 1, self.random.randrange(10_000)))
        return (id_, self.random.choice("abc"), self._moment(), user, took, None)


class Spiders(Hourly):
    """Spiders of which two have one name, until one is renamed; they report twice, oddly, or not at all."""

    name, stream, table, time = "spiders", spiders.STREAM, spiders.TABLE, 3
    columns = "spider_id, spider, workers::text, reported_at"
    WORKERS = ({}, {"stage": ""}, {"stage": "crawl"}, {"stage": 0})
    ODD = (None, '"object"', '"null"', '["string"]', '[{"stage": "crawl"}, "null"]')

    def prepare(self) -> None:
        """Three spiders."""
        super().prepare()
        self.names = {"1": "arachne", "2": "shelob", "3": "arachne"}

    def there(self) -> list[tuple]:
        """Return the reports, with the spiders' names of now."""
        return [(spider_id, self.names[spider_id], *rest) for spider_id, _, *rest in self.rows.values()]

    def change(self) -> None:
        """Reports, and sometimes a new name."""
        super().change()
        if self.random.random() < 0.2:
            self.names[self.random.choice("123")] = self.random.choice(("arachne", "shelob"))

    def row(self, id_: str) -> tuple:
        """Return a report; some are of another's instant, some at the edge of an hour or of the window."""
        others = [(row[0], row[3]) for row in self.rows.values()]
        if others and self.random.random() < 0.2:
            self.seen["reports of one instant"] += 1
            spider_id, at = self.random.choice(others)
        else:
            spider_id, at = self.random.choice("123"), self._moment()
        if self.random.random() < 0.3:
            at = floor_hour(at) + self.random.choice((0, 30, 60)) * MINUTE - self.random.choice((0, 1)) * MICROSECOND
        return (spider_id, None, self._workers(), at)

    def _workers(self) -> str | None:
        if self.random.random() < 0.2:
            self.seen["odd reports"] += 1
            return self.random.choice(self.ODD)
        return json.dumps(self.random.choices(self.WORKERS, k=self.random.randrange(6)))


class Website(Source):
    """Objects that are made, late too, move and are deleted; one of them is counted only later on."""

    name = "website"

    def prepare(self) -> None:
        """Some objects, and nothing of any read."""
        self.objects: dict[tuple, tuple] = {}
        self.counts: dict[tuple, tuple] = {}  # what raw should hold of both streams
        self.listed: dict[tuple, tuple] = {}
        self.counted = ["users", "keys"]
        self.change()

    def change(self) -> None:
        """Some of few objects."""
        for _ in range(self.random.randrange(8)):
            key = (self.random.choice(("users", "keys", "plans")), str(self.random.randrange(12)))
            self.objects[key] = (self._moment(), self.random.choice(("ada", None)))
            if self.random.random() < 0.3:
                del self.objects[self.random.choice(list(self.objects))]
                self.seen["objects that vanished"] += 1
        if self.random.random() < 0.3 and "plans" not in self.counted:
            self.counted.append("plans")

    def read(self) -> Iterator[None]:
        """The hourly run, the day's first, which lists all, or a range, which counts nothing."""
        reads = Reads(self.connection, self.name, self.now)
        self.earliest = None
        if self.is_mortal and self.random.random() < 0.15:
            start = START + self.random.randrange(60) * HOUR
            wanted = {website.OBJECTS: [Period(start, start + self.random.choice((1, 5)) * HOUR)]}
        else:
            self.new = [name for name in self.counted if not any(name == key[0] for key in self.counts)]
            wanted = {website.COUNTS: self._count_periods(), website.OBJECTS: self._object_periods(reads)}
        yield from self._reading(wanted, reads)

    def _count_periods(self) -> list[Period]:
        times = [self.now, *(self._oldest(name) for name in self.new)]
        last = max((at for _, at in self.counts), default=None)
        return [Period(floor_hour(min(at for at in [*times, last] if at)), self.now)]

    def _object_periods(self, reads: Reads) -> list[Period]:
        first = reads.first_start(website.OBJECTS) or self.now
        self.earliest = first
        if self.new or self.random.random() < 0.4 or not self.is_mortal:
            known = [self._oldest(name) for name in self.counted] + [row[2] for row in self.listed.values()]
            self.earliest = floor_hour(min([first, *(at for at in known if at)]))
            return [Period(self.earliest, self.now)]
        return [*reads.unread(website.OBJECTS, first), *reads.recent(website.OBJECTS, first, LOOKBACK)]

    def _oldest(self, name: str) -> dt.datetime | None:
        return min((row[0] for key, row in self.objects.items() if key[0] == name), default=None)

    def _load(self, stream: str, reading: Reading) -> Iterator[None]:
        yield
        if stream == website.COUNTS:
            self._count()
        else:
            self._list(reading)

    def _count(self) -> None:
        rows = [(name, self.now, HUGE * sum(key[0] == name for key in self.objects), False) for name in self.counted]
        rows += [row for name in self.new for row in self._history(name)]
        self._replace(website.COUNT_TABLE.name, rows, website.SAME_COUNT)
        self.counts |= {row[:2]: row for row in rows}

    def _history(self, name: str) -> list[tuple]:
        made = [row[0] for key, row in self.objects.items() if key[0] == name]
        rows, hour = [], floor_hour(min(made, default=self.now))
        while hour < floor_hour(self.now):
            hour += HOUR
            count = HUGE * sum(at < hour for at in made)
            rows.append((name, hour - dt.timedelta(microseconds=1), count, True))
        return rows

    def _list(self, reading: Reading) -> None:
        is_whole = self.earliest is not None and reading.periods[0].start <= self.earliest
        rows = [
            (*key, made, user, self.now, None)
            for key, (made, user) in self.objects.items()
            if key[0] in self.counted and any(period.start <= made < period.end for period in reading.periods)
        ]
        if is_whole:
            self.seen["whole lists"] += 1
            self._replace(website.OBJECT_TABLE.name, rows, website.SAME_OBJECT)
            self.listed |= {row[:2]: row for row in rows}
            reading.with_finish.append(self._mark_deleted)
        else:
            self._replace(website.OBJECT_TABLE.name, rows, website.NOTHING, website.UNKNOWN_OBJECT)
            self.listed = {row[:2]: row for row in rows} | self.listed

    def _mark_deleted(self, cursor) -> None:
        cursor.execute(
            "update raw.website_objects set deleted_seen_at = %s where deleted_seen_at is null and seen_at < %s "
            "and object = any(%s)",
            (self.now, self.now, self.counted),
        )
        for key, row in self.listed.items():
            if row[5] is None and row[4] < self.now and key[0] in self.counted:
                self.listed[key] = (*row[:5], self.now)

    def law(self) -> None:
        """Counts stay for ever; objects are as they were last seen; the last read listed the whole source."""
        counts = self.warehouse.rows("select * from raw.website_object_counts")
        assert sorted(counts) == sorted(self.counts.values()), "law: a count stays what it was"
        listed = self.warehouse.rows("select * from raw.website_objects")
        assert sorted(listed, key=repr) == sorted(self.listed.values(), key=repr), "law: an object is as last seen"
        alive = {row[:2]: row[2:4] for row in listed if row[5] is None}
        there = {key: row for key, row in self.objects.items() if key[0] in self.counted}
        assert alive == there, "law: what vanished at the source is marked"


class Streams(Source):
    """A source of several streams that are read and loaded at once, of which one may fail alone."""

    streams: tuple[str, ...]
    tables: tuple[Table, ...]

    def prepare(self) -> None:
        """Nothing of any read."""
        self.held: dict[str, list[tuple]] = {table.name: [] for table in self.tables}  # what raw should hold

    def read(self) -> Iterator[None]:
        """The hourly run, or ranges old and new; all streams in one load."""
        reads = Reads(self.connection, self.name, self.now)
        wanted = {stream: self._periods(reads, stream) for stream in self.streams}
        self._may_die("before the intent", 0.05)
        with reads.reading(wanted) as readings:
            yield
            self._may_die("after the intent", 0.08)
            if readings and self.is_mortal and self.random.random() < 0.2:
                reads.fail(readings.pop(self.random.choice(list(readings))), SourceError("too many series"))
                self.seen["streams that failed alone"] += 1
            yield from self._load_all(readings)
            # At rest nobody would see what was wiped: the next run reads it again.
            self._raw_is_held()
            self._may_die("before the finish", 0.12)
        self.seen["reads"] += 1
        self.seen["reads finished while a fact is built"] += self.is_disturbing()

    def _periods(self, reads: Reads, stream: str) -> list[Period]:
        """Return what is read of a stream."""
        raise NotImplementedError

    def _load_all(self, readings: dict[str, Reading]) -> Iterator[None]:
        """Load the rows of all streams, a transaction a table."""
        raise NotImplementedError

    def _raw_is_held(self) -> None:
        for table in self.tables:
            columns = ", ".join(table.columns).replace("labels", "labels::text")
            held = self.warehouse.rows(f"select {columns} from raw.{table.name}")
            assert sorted(held, key=repr) == sorted(self.held[table.name], key=repr), "law: raw is what a read saw"


class Prometheus(Streams):
    """Two queries, one of them reported: values of hours and days come, change and vanish; a query may fail alone."""

    name, tables = "prometheus", tuple(prometheus.TABLES)
    streams = COUNTED, REPORTED = "prometheus.http_requests", "prometheus.http_request_duration"

    def prepare(self) -> None:
        """No value, and nothing of any read."""
        super().prepare()
        self.hours: dict[tuple, float] = {}  # (stream, label, start of hour) -> value
        self.days: dict[tuple, float] = {}

    def change(self) -> None:
        """Some of few values."""
        for _ in range(self.random.randrange(12)):
            at = floor_hour(self._moment())
            value = self.random.choice((0.0, 0.1, 1e15 / 3, self.random.random()))
            self.hours[self.COUNTED, self.random.choice(("200", "500")), at] = value
            self.hours[self.REPORTED, "", floor_hour(self._moment())] = value
            self.days[self.REPORTED, "", midnight(self._moment())] = self.random.random()
            for values in (self.hours, self.days):
                if self.random.random() < 0.1:
                    del values[self.random.choice(list(values))]
                    self.seen["values that vanished"] += 1

    def _periods(self, reads: Reads, stream: str) -> list[Period]:
        self.end = floor_hour(self.now - 5 * MINUTE)
        if self.is_mortal and self.random.random() < 0.4:
            start = START + self.random.randrange(68) * HOUR
            found = [Period(start, start + self.random.choice((1, 4, 30)) * HOUR)]
        else:
            first = ceil_midnight(START) if stream == self.REPORTED else START
            self.looked_back_to = self.end - LOOKBACK
            found = [*reads.unread(stream, first), *reads.recent(stream, first, LOOKBACK)]
        found += reads.open_periods(stream)
        if stream == self.REPORTED:
            found = [Period(midnight(period.start), ceil_midnight(period.end)) for period in found]
        return [Period(period.start, min(period.end, self.end)) for period in found if period.start < self.end]

    def _load_all(self, readings: dict[str, Reading]) -> Iterator[None]:
        periods = {stream: reading.periods for stream, reading in readings.items()}
        hours = {stream: {*_hours(inside)} for stream, inside in periods.items()}
        days = {stream: {day.start for day in business_days(inside)} for stream, inside in periods.items()}
        samples, reported = prometheus.TABLES
        for table, time, values, read in (
            (samples, "hour_at", self.hours, hours),
            (reported, "day_at", self.days, days),
        ):
            known = [key for key in values if key[2] in read.get(key[0], ())]
            rows = [self._row(table, key, values[key]) for key in known]
            if all(reading.is_first for reading in readings.values()):
                self._insert(f"raw.{table.name}", rows)
            else:
                self._replace(table.name, rows, load.within_own_open_reads(self.name, time))
            kept = [row for row in self.held[table.name] if row[3] not in hours.get(row[0], ())]
            self.held[table.name] = kept + rows
            yield
            self._may_die("between two tables", 0.1)

    def _row(self, table: Table, key: tuple, value: float) -> tuple:
        stream, label, at = key
        labels = f'{{"status": "{label}"}}' if label else "{}"
        counted = (None if stream == self.REPORTED else 1 + at.hour, at.hour == 3)
        metric = stream.replace("prometheus.http_", "http.")
        return (stream, metric, labels, at, value, *(counted if table is prometheus.SAMPLE_TABLE else ()))

    def law(self) -> None:
        """Raw is what each hour's, and each day's, latest read saw, and the last read found what came late."""
        self._raw_is_held()
        there = [
            self._row(prometheus.SAMPLE_TABLE, key, value)
            for key, value in self.hours.items()
            if key[0] == self.COUNTED and max(self.looked_back_to, START) <= key[2] < self.end
        ]
        missing = set(there) - set(self.held[prometheus.SAMPLE_TABLE.name])
        assert not missing, "law: what is late within the lookback is found"


def _hours(periods: list[Period]) -> Iterator[dt.datetime]:
    for period in periods:
        yield from (period.start + number * HOUR for number in range(period.hours))


class Registry:
    """The seed, edited between and during builds, and reloaded as dbt does it: by TRUNCATE."""

    EDITS = (
        "set kind = case kind when 'counter' then 'gauge' else 'counter' end where metric = 'events.count'",
        "set kind = case kind when 'stock' then 'gauge' when 'gauge' then 'counter' else 'stock' end "
        "where metric = 'objects.count'",
        "set kind = case kind when 'counter' then 'gauge' else 'counter' end where metric = 'objects.created'",
        "set version = version + 1 where metric = 'events.count'",
        "set version = version + 1 where metric = 'events.duration'",
        "set day_from = case day_from when 'hours' then 'source' else 'hours' end where metric = 'events.count'",
        "set stream = case stream when 'events.events' then 'website.objects' else 'events.events' end "
        "where metric = 'events.count'",
        "set stream = case stream when 'website.objects' then 'events.events' else 'website.objects' end "
        "where metric = 'objects.created'",
        "set kind = case kind when 'stock' then 'gauge' else 'stock' end where metric = 'spiders.active'",
        "set version = version + 1 where metric = 'spiders.total'",
        "set stream = case stream when 'spiders.statuses' then 'events.events' else 'spiders.statuses' end "
        "where metric = 'spiders.idle'",
        "set kind = case kind when 'counter' then 'gauge' else 'counter' end where metric = 'http.requests'",
        "set version = version + 1 where metric = 'http.request_duration'",
        "set version = version + 1 where metric = 'website.hourly_sessions'",
        "set day_from = case day_from when 'hours' then 'source' else 'hours' end where metric = 'website.sessions'",
        "set stream = case stream when 'google_analytics.users' then 'google_analytics.channels' "
        "else 'google_analytics.users' end where metric = 'website.sessions'",
        "set settle_minutes = case settle_minutes when 3 then 90 else 3 end where stream is not null",
    )
    REMOVED = (
        "events.count",
        "events.duration",
        "objects.count",
        "objects.created",
        "spiders.active.mean",
        "http.requests",
        "http.request_duration",
        "website.sessions",
        "website.hourly_sessions",
    )

    def __init__(self, warehouse: Warehouse, seed: int, seen: Counter):
        """Edit as the seed says."""
        self.random, self.seen = Random(f"registry {seed}"), seen
        self.connection = warehouse.connection("registry")

    def life(self) -> Iterator[None]:
        """A few edits."""
        for _ in range(self.random.randrange(4)):
            for _ in range(self.random.randrange(30)):
                yield
            self._edit()
            self.connection.commit()
            while not (yield from self._reload()):
                yield
            self.seen["definitions edited"] += 1

    def _edit(self) -> None:
        if self.random.random() < 0.7:
            self._execute(f"update laws.registry {self.random.choice(self.EDITS)}")
            self._execute("update laws.registry set zero_fill = kind = 'counter' and stream not like 'prometheus.%'")
            return
        metric = self.random.choice(self.REMOVED)
        self._execute(
            f"with gone as (delete from laws.registry where metric = '{metric}' returning metric) "
            f"insert into laws.registry select * from laws.shipped where metric = '{metric}' "
            "and not exists (select from gone)"
        )

    def _reload(self) -> Iterator[None]:
        """Replace the registry in one transaction; returns whether it got the lock."""
        try:
            self._execute(AT_ONCE.format("truncate core.metrics"))
        except LockNotAvailable:
            self.connection.rollback()
            self.seen["seeds that waited for a fact"] += 1
            return False
        yield
        self._execute("insert into core.metrics select * from laws.registry")
        yield
        self.connection.commit()
        return True

    def _execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
