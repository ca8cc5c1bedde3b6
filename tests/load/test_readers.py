"""Readers at the dashboards while ticks run: none meets an error, each sees a day as it was or as it is, no mixture.

Short in `make test`; `make test-load` is 50 readers, and a tick a minute for five minutes.
"""

import datetime as dt
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from queue import Queue
from statistics import median
from time import perf_counter

import psycopg2
import pytest

from dashboards.check import Check, statements
from dashboards.definitions import DASHBOARDS
from dashboards.macros import expand
from demo.databases import EVENTS
from ingest.reads import parse_instant
from roles.readers import GRAFANA_READER
from tests.demo_warehouse import NOW, DemoWarehouse, demo_warehouse

READERS, TICKS = int(os.environ.get("LOAD_READERS", "4")), int(os.environ.get("LOAD_TICKS", "1"))
# From the start of a tick to the start of the next, and at most between two dashboards that a reader opens.
SECONDS = float(os.environ.get("LOAD_SECONDS", "3"))
# As many as Grafana opens (dashboards/provisioning/datasources/warehouse.yaml).
CONNECTIONS = 10
PASSWORD = "word"
HOUR = dt.timedelta(hours=1)
BEGIN = parse_instant(NOW, "NOW")
DAY = BEGIN.replace(hour=0, minute=0) - 3 * 24 * HOUR
WITHIN = {"start": DAY, "end": DAY + 24 * HOUR}
# Each event of the day gets the next type: each hour of each type changes, and what all types have together does not.
CHANGE = """
    with kinds as (select array_agg(distinct kind order by kind) as all_kinds from event)
    update event
    set kind = all_kinds[array_position(all_kinds, kind) %% cardinality(all_kinds) + 1],
        recorded_at = %(now)s::timestamptz - interval '1 minute'
    from kinds
    where occurred_at >= %(start)s and occurred_at < %(end)s
"""
SOURCE = """
    select date_trunc('hour', occurred_at), kind, count(*)::float8
    from event
    where occurred_at >= %(start)s and occurred_at < %(end)s
    group by 1, 2
    order by 1, 2
"""
SHOWN = """
    select time, labels ->> 'type', sum(value)
    from marts.mart_hourly
    where metric = 'events.count' and labels ? 'type' and value > 0 and time >= %(start)s and time < %(end)s
    group by 1, 2
    order by 1, 2
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """Give the demo, read and built, and the role that Grafana logs in as."""
    with demo_warehouse(tmp_path_factory) as made:
        made.module("roles", "--readers", GRAFANA_DB_PASSWORD=PASSWORD)
        yield made


class Readers:
    """People who open dashboards until they are told to stop; keeps how long each statement took, and what they saw.

    Their statements wait for one of few connections, as those of Grafana do, and that time counts.
    """

    def __init__(self, connections: Queue, pages: list[list[str]]):
        """Have seen nothing yet."""
        self.seconds: list[float] = []
        self.seen: set[tuple] = set()
        self.over = threading.Event()
        self._connections, self._pages = connections, pages

    def open(self, page: list[str]) -> None:
        """Ask all statements of a dashboard, and look at the day that changes."""
        for sql in page:
            begun = perf_counter()
            with self._connection() as connection, connection.cursor() as cursor:
                cursor.execute(sql)
                cursor.fetchall()
            self.seconds.append(perf_counter() - begun)
        with self._connection() as connection:
            self.seen.add(day(connection, SHOWN))

    def be_one(self, number: int) -> None:
        """Open one dashboard after another."""
        chance = random.Random(number)
        while not self.over.wait(chance.uniform(0, SECONDS)):
            self.open(chance.choice(self._pages))

    @contextmanager
    def _connection(self) -> Iterator:
        connection = self._connections.get()
        try:
            yield connection
        finally:
            self._connections.put(connection)

    @property
    def times(self) -> str:
        """How long the statements took."""
        found = sorted(self.seconds)
        middle, slow, slowest = median(found) * 1000, found[int(len(found) * 0.95)] * 1000, found[-1] * 1000
        return f"{len(found):,} statements, p50 {middle:.0f} ms, p95 {slow:.0f} ms, slowest {slowest:.0f} ms"


def day(connection, query: str) -> tuple:
    """Return the day that changes: its hours' events of each type."""
    with connection.cursor() as cursor:
        cursor.execute(query, WITHIN)
        return tuple(cursor.fetchall())


def pages_of(connection) -> list[list[str]]:
    """Return each dashboard's statements of its default range, one page for each value that may be chosen."""
    check = Check(connection, BEGIN)
    return [
        [
            expand(statement.sql, BEGIN - dt.timedelta(days=dashboard.default_days), BEGIN, choice)
            for statement in statements(dashboard)
        ]
        for dashboard in DASHBOARDS
        for choice in check.choices(dashboard)
    ]


def change_the_day(connection, now: dt.datetime) -> tuple:
    """Change it at the source; returns what it is now."""
    with connection, connection.cursor() as cursor:
        cursor.execute(CHANGE, WITHIN | {"now": now})
    return day(connection, SOURCE)


def tick(warehouse: DemoWarehouse, source, number: int) -> tuple:
    """Let an hour pass, change the day and tick; returns what the day is now."""
    now = BEGIN + number * HOUR
    warehouse.module("demo", WAREHOUSE_NOW=now.isoformat())
    changed = change_the_day(source, now)
    warehouse.module("tick", "ingest", "build", WAREHOUSE_NOW=now.isoformat())
    return changed


def test_readers_see_the_old_or_the_new_while_ticks_run(warehouse):
    server = warehouse.server
    where = {"host": server.host, "port": server.port, "options": "-c timezone=UTC"}

    def connect():
        return psycopg2.connect(**where, dbname=server.database, user=GRAFANA_READER.name, password=PASSWORD)

    own = {"user": server.user, "password": server.password}
    with ExitStack() as stack:
        source = stack.enter_context(closing(psycopg2.connect(**where, dbname=EVENTS.name, **own)))
        connection, *pool_of = (stack.enter_context(closing(connect())) for _ in range(1 + CONNECTIONS))
        connections: Queue = Queue()
        for each in (connection, *pool_of):
            each.autocommit = True
        for each in pool_of:
            connections.put(each)
        versions, pages = [day(source, SOURCE)], pages_of(connection)
        assert day(connection, SHOWN) == versions[0]
        readers, ticked = Readers(connections, pages), []
        with ThreadPoolExecutor(READERS) as pool:
            people = [pool.submit(readers.be_one, number) for number in range(READERS)]
            try:
                for number in range(1, 1 + TICKS):
                    begun = perf_counter()
                    versions.append(tick(warehouse, source, number))
                    ticked.append(perf_counter() - begun)
                    readers.over.wait(max(0, SECONDS - ticked[-1]))
            finally:
                readers.over.set()
            for one in people:
                one.result()
        # Afterwards, when each connection knows the marts, as Grafana's do.
        alone = Readers(connections, pages)
        for page in pages:
            alone.open(page)
        assert alone.seen == {versions[-1]}
    print(f"alone: {alone.times}\n{READERS} readers, {TICKS} ticks: {readers.times}; ticks of {ticked} s")
    assert len(set(versions)) == 1 + TICKS
    assert readers.seen <= set(versions)
    assert len(readers.seen) > 1
