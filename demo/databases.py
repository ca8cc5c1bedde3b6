"""The company's databases: what `demo.company` says, written to PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from psycopg2 import sql

from demo.company import (
    ApiKey,
    Event,
    Life,
    Row,
    Spider,
    SpiderStatus,
    User,
    UserProfile,
    changes,
    event_lives,
    hour_of,
    instant_of,
    key_lives,
    profile_lives,
    spider_lives,
    status_lives,
    user_lives,
)

HISTORY = timedelta(days=90)
LOCK = 7_263_411  # any number that is nobody else's
ROWS_AT_A_TIME = 10_000  # about 3 MB; the process stays at 55 MB in a first fill of 90 days


class Table(NamedTuple):
    """A table: the type of its rows, whose fields are its columns, and what lives in it."""

    name: str
    row_type: type[Row]
    lives: Callable[[int, datetime, datetime], Iterator[Life]]


class Database(NamedTuple):
    """A database: its tables, and the SQL that creates them."""

    name: str
    ddl: str
    tables: tuple[Table, ...]


class Count(NamedTuple):
    """How many rows of a table came, changed and went."""

    inserted: int
    updated: int
    deleted: int


class Step(NamedTuple):
    """What living on from `since` to `until` did; nothing, where `until` is earlier."""

    birth: datetime
    since: datetime
    until: datetime
    counts: dict[str, Count]


CLOCK_DDL = "create table demo_clock (birth timestamptz not null, lived_to timestamptz not null);"

WEBSITE = Database(
    name="demo_website",
    ddl="""
        create table apercite_account_user (
            id bigint primary key,
            email text not null,
            first_name text not null,
            last_name text not null,
            password text not null,
            is_active bool not null,
            created_at timestamptz not null,
            last_login_ip inet
        );
        create table apercite_account_userprofile (
            id bigint primary key,
            user_id bigint not null,
            company text not null,
            created_at timestamptz not null
        );
        create table apercite_account_apikey (
            id bigint primary key,
            user_id bigint not null,
            key text not null,
            created_at timestamptz not null
        );
        create index user_created_at on apercite_account_user (created_at);
        create index userprofile_created_at on apercite_account_userprofile (created_at);
        create index apikey_created_at on apercite_account_apikey (created_at);
    """,
    tables=(
        Table("apercite_account_user", User, user_lives),
        Table("apercite_account_userprofile", UserProfile, profile_lives),
        Table("apercite_account_apikey", ApiKey, key_lives),
    ),
)

EVENTS = Database(
    name="demo_events",
    ddl="""
        create table event (
            id bigint primary key,
            kind text not null,
            occurred_at timestamptz not null,
            recorded_at timestamptz not null,
            user_id bigint,
            duration_ms integer,
            attributes jsonb not null
        );
        create index event_occurred_at on event (occurred_at);
        create index event_recorded_at on event (recorded_at);
    """,
    tables=(Table("event", Event, event_lives),),
)

SPIDERS = Database(
    name="demo_spiders",
    ddl="""
        create table spider (
            id bigint primary key,
            value text not null,
            created_at timestamptz not null
        );
        create table spider_status (
            id bigint primary key,
            spider_id bigint not null,
            attributes json,
            created_at timestamptz not null
        );
        create index spider_status_created_at on spider_status (created_at);
    """,
    tables=(
        Table("spider", Spider, spider_lives),
        Table("spider_status", SpiderStatus, status_lives),
    ),
)


def lock(connection) -> None:
    """Wait until no other lets the company live on; the lock goes with the connection."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])


def create_database(connection, name: str) -> None:
    """Create a database beside the one that `connection` is to, where it is absent; sets autocommit."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])  # "if not exists" is not offered, nor atomic
        cursor.execute("select 1 from pg_database where datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def live_on(connection, database: Database, until: datetime, birth: datetime | None = None) -> Step:
    """Let a database live on to an instant (aware), in one transaction, and return what that did.

    `birth` counts only where the database is empty; the start of its hour is taken, by default that of 90 days
    before `until`. A database that has lived to `until` or beyond is left as it is. A second caller waits.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        birth, since = read_clock(cursor) or be_born(cursor, database, birth or until - HISTORY)
        if until <= since:
            return Step(birth, since, until, {})
        counts = {table.name: write(cursor, table, birth, since, until) for table in database.tables}
        cursor.execute("update demo_clock set lived_to = %s", [until])
        return Step(birth, since, until, counts)


def read_clock(cursor) -> tuple[datetime, datetime] | None:
    """Return when the company was born and to when the database has lived; None where it is empty."""
    cursor.execute("select to_regclass('demo_clock')")
    if cursor.fetchone()[0] is None:
        return None
    cursor.execute("select birth, lived_to from demo_clock")
    return cursor.fetchone()


def be_born(cursor, database: Database, birth: datetime) -> tuple[datetime, datetime]:
    """Create the tables, and return what the clock then says: the start of the hour of birth, twice."""
    birth = instant_of(hour_of(birth))
    cursor.execute(CLOCK_DDL + database.ddl)
    cursor.execute("insert into demo_clock values (%s, %s)", [birth, birth])
    return birth, birth


def write(cursor, table: Table, birth: datetime, since: datetime, until: datetime) -> Count:
    """Write what changes in a table in (since, until], and return how much that was."""
    changed = changes(table.lives(hour_of(birth), since, until), since, until)
    inserted = updated = deleted = 0
    while batch := list(islice(changed, ROWS_AT_A_TIME)):
        gone = [before.id for before, _ in batch if before]
        here = [after for _, after in batch if after]
        replaced = len(gone) + len(here) - len(batch)
        delete(cursor, table, gone)
        copy(cursor, table, here)
        inserted += len(here) - replaced
        updated += replaced
        deleted += len(gone) - replaced
    return Count(inserted, updated, deleted)


def delete(cursor, table: Table, ids: list[int]) -> None:
    """Delete rows by id."""
    cursor.execute(sql.SQL("delete from {} where id = any(%s)").format(sql.Identifier(table.name)), [ids])


def copy(cursor, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows by COPY."""
    lines = io.StringIO("".join("\t".join(map(copy_text, row)) + "\n" for row in rows))
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.row_type._fields))
    )
    cursor.copy_expert(statement, lines)


def copy_text(value: object) -> str:
    """Return a value in COPY's text format."""
    if value is None:
        return "\\N"
    if not isinstance(value, str):
        return str(value)
    # Not str.translate, which takes seven times as long: 1 s of a first fill.
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
