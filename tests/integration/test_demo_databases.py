"""The pretend company's databases: whatever the steps, kills and rivals, they hold what the company says."""

import json
import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from psycopg2 import sql

import demo.__main__ as program
from demo import databases
from demo.company import Event, SpiderStatus, changes, hour_of, instant_of
from demo.databases import EVENTS, SPIDERS, WEBSITE, Database, create_database, live_on

NOW = datetime(2025, 4, 14, 9, 23, 45, 678901, tzinfo=timezone.utc)
BIRTH = NOW - timedelta(days=4)


@pytest.fixture
def new_name(server) -> Iterator[Callable[[], str]]:
    """Give a function that returns a free name for a database, which goes when the test ends."""
    names = []

    def name() -> str:
        names.append(f"test_demo_{uuid.uuid4().hex[:12]}")
        return names[-1]

    yield name
    with closing(server.connect()) as connection:
        connection.autocommit = True
        for database in names:
            connection.cursor().execute(f"drop database if exists {database} with (force)")


@pytest.fixture
def new_database(server, new_name) -> Callable[[], str]:
    """Return a function that creates an empty database and returns its name."""

    def create() -> str:
        name = new_name()
        server.create_database(name)
        return name

    return create


def tables(server, name: str) -> dict[str, list[tuple]]:
    """Return all rows of all tables of a database, sorted."""
    query = "select table_name from information_schema.tables where table_schema = 'public' order by 1"
    with closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        names = [row[0] for row in cursor.fetchall()]
        content = {}
        for table in names:
            cursor.execute(sql.SQL("select * from {} order by 1").format(sql.Identifier(table)))
            content[table] = cursor.fetchall()
        return content


def live(server, name: str, database: Database, *instants: datetime, birth: datetime = BIRTH) -> None:
    """Let a database live on to each of the instants, with a connection of its own."""
    with closing(server.connect(name)) as connection:
        for instant in instants:
            live_on(connection, database, instant, birth)


def die_in(server, name: str, database: Database, until: datetime) -> None:
    """Live on in a process that is killed after it has written its first rows."""

    def live_and_die() -> None:
        copy = databases.copy

        def copy_and_die(*arguments) -> None:
            copy(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        databases.copy = copy_and_die
        live(server, name, database, until)

    process = multiprocessing.get_context("fork").Process(target=live_and_die)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("database", "days", "steps"),
    [(WEBSITE, 45, 20), (EVENTS, 5, 50), (SPIDERS, 5, 50)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_many_steps_equal_one(server, new_database, database, days, steps):
    once, often = new_database(), new_database()
    birth = NOW - timedelta(days=days)
    rng = Random(4)
    instants = sorted(birth + timedelta(days=days * rng.random()) for _ in range(steps - 1))
    live(server, once, database, NOW, birth=birth)
    live(server, often, database, *instants, NOW, birth=birth)
    assert tables(server, once) == tables(server, often)


@pytest.mark.parametrize("database", [WEBSITE, EVENTS, SPIDERS], ids=lambda database: database.name)
def test_tables_hold_what_the_company_says(server, new_database, database):
    name = new_database()
    live(server, name, database, NOW)
    stored = tables(server, name)
    birth = hour_of(BIRTH)
    start = instant_of(birth)
    assert stored.pop("demo_clock") == [(start, NOW)]
    for table in database.tables:
        said = [row for _, row in changes(table.lives(birth, start, NOW), start, NOW)]
        if table.row_type in (Event, SpiderStatus):
            said = [row._replace(attributes=json.loads(row.attributes)) for row in said]
        assert stored.pop(table.name) == sorted(said, key=lambda row: row.id)
    assert not stored


def test_a_step_counts_what_it_changed(server, new_database):
    name = new_database()
    live(server, name, EVENTS, NOW - timedelta(days=2))
    before = {row[0]: row for row in tables(server, name)["event"]}
    with closing(server.connect(name)) as connection:
        step = live_on(connection, EVENTS, NOW)
    after = {row[0]: row for row in tables(server, name)["event"]}
    changed = [key for key in before.keys() & after.keys() if before[key] != after[key]]
    gone = before.keys() - after.keys()
    assert step.since == NOW - timedelta(days=2)
    assert step.counts == {"event": (len(after.keys() - before.keys()), len(changed), len(gone))}
    assert changed
    assert gone


@pytest.mark.parametrize("database", [WEBSITE, EVENTS, SPIDERS], ids=lambda database: database.name)
def test_a_kill_leaves_the_database_whole(server, new_database, database):
    killed, reference = new_database(), new_database()
    yesterday = NOW - timedelta(days=1)
    die_in(server, killed, database, yesterday)
    assert tables(server, killed) == {}
    live(server, killed, database, yesterday)
    before = tables(server, killed)
    die_in(server, killed, database, NOW)
    assert tables(server, killed) == before
    live(server, killed, database, NOW)
    live(server, reference, database, NOW)
    assert tables(server, killed) == tables(server, reference)


def test_runs_at_once_wait_and_double_nothing(server, new_database):
    shared, reference = new_database(), new_database()
    instants = [NOW - timedelta(days=1), NOW]
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(live, server, shared, EVENTS, *instants) for _ in range(3)]
    assert [run.exception() for run in runs] == [None] * 3
    live(server, reference, EVENTS, NOW)
    assert tables(server, shared) == tables(server, reference)


def test_going_back_does_nothing(server, new_database):
    name = new_database()
    live(server, name, WEBSITE, NOW)
    before = tables(server, name)
    with closing(server.connect(name)) as connection:
        step = live_on(connection, WEBSITE, NOW - timedelta(hours=5), birth=NOW - timedelta(days=50))
    assert step.counts == {}
    assert step.since == NOW
    assert tables(server, name) == before


def test_creating_a_database_twice_is_fine(server, new_name):
    name = new_name()
    for _ in range(2):
        with closing(server.connect()) as connection:
            create_database(connection, name)
    assert tables(server, name) == {}


@pytest.fixture
def told(monkeypatch) -> dict[str, datetime]:
    """Give what the program tells its API. Not the API itself: the one that may be up is the user's."""
    told = {}
    monkeypatch.setattr(program.api, "tell_now", told.__setitem__)
    return told


@pytest.fixture
def names(server, new_name, monkeypatch, told) -> dict[str, str]:
    """Give the program databases of its own, with two days of history; returns their names."""
    names = {name: new_name() for name in ("WEBSITE", "EVENTS", "SPIDERS")}
    for name, database in names.items():
        monkeypatch.setattr(program, name, getattr(databases, name)._replace(name=database))
    monkeypatch.setattr(program.warehouse, "connect", server.connect)
    monkeypatch.setattr(databases, "HISTORY", timedelta(days=2))
    return names


def test_of_two_programs_at_once_the_second_waits_and_then_takes_the_time(server, names, monkeypatch):
    monkeypatch.delenv("WAREHOUSE_NOW", raising=False)
    waits = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
    with ThreadPoolExecutor() as pool, closing(server.connect()) as first, first.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [databases.LOCK])
        second = pool.submit(program.main)
        while cursor.execute(waits, [databases.LOCK]) or cursor.fetchone() == (0,):
            assert not second.done()
        server.create_database(names["WEBSITE"])
        instant = datetime.now(timezone.utc)
        live(server, names["WEBSITE"], WEBSITE, instant, birth=instant - timedelta(hours=5))
        cursor.execute("select pg_advisory_unlock(%s)", [databases.LOCK])
        second.result()
    assert tables(server, names["SPIDERS"])["spider_status"]


def test_the_program_says_in_a_line_what_it_did(server, names, told, monkeypatch, capsys):
    def say(instant: str) -> list[str]:
        monkeypatch.setenv("WAREHOUSE_NOW", instant)
        program.main()
        assert {*told.values()} == {datetime.fromisoformat(instant.replace("Z", "+00:00"))}
        return capsys.readouterr().out.splitlines()

    first = say("2025-04-14T09:23:00Z")
    assert [line.split(":")[0] for line in first] == list(names.values())
    assert all("2025-04-12 09:00 to 2025-04-14 09:23 UTC" in line for line in first)
    assert all("nothing to do" in line for line in say("2025-04-14T09:23:00Z"))
    before = [tables(server, name) for name in names.values()]
    (only,) = say("2025-04-14T08:00:00Z")
    assert "2025-04-14 09:23 and can't go back to 2025-04-14 08:00 UTC: nothing done" in only
    assert [tables(server, name) for name in names.values()] == before
    assert len(say("2025-04-14T10:23:00Z")) == 3
    births = {tables(server, name)["demo_clock"][0][0] for name in names.values()}
    assert births == {datetime(2025, 4, 12, 9, tzinfo=timezone.utc)}
