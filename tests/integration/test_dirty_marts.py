"""Marts that are tables are built of what is dirty, and say what they would say if all of them were built at once."""

import datetime as dt

import pytest

from tests.conftest import EVENTS

HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
MARTS = ("mart_anomalies_hourly", "mart_anomalies_daily", "mart_active_users", "mart_retention")
# 20 logins each hour for eleven weeks, a few more by day, of users of whom each comes for a while.
HISTORY = """
    insert into event (id, kind, occurred_at, recorded_at, user_id)
    select
        row_number() over (order by hour_at, number), 'login', at, at,
        extract(day from hour_at - %(first)s)::int / 5 + number %% 7
    from generate_series(%(first)s, %(last)s - interval '1 hour', '1 hour') as hours (hour_at)
    cross join generate_series(1, 20 + extract(hour from hour_at)::int %% 3) as numbers (number)
    cross join lateral (select hour_at + number * interval '2 minutes' as at) as moments
"""
JUDGED = (
    "select time, series_id, reason, value, expected, lower, upper from {} where metric = 'events.count' and time >= %s"
)


@pytest.fixture
def watched(company):
    """Give a company with eleven weeks of logins, read and built."""
    first, last = company.now - 77 * DAY, company.now.replace(minute=0)
    company.execute(HISTORY, {"first": first.replace(minute=0), "last": last}, EVENTS)
    company.read("events")
    build(company)
    return company


def test_a_new_hour_a_late_one_and_one_that_vanished(watched):
    watched.now += HOUR
    add(watched, watched.now - HOUR, 150)
    watched.read("events")
    build(watched)
    assert flags(watched) == {"high"}

    late = watched.now - 20 * DAY
    add(watched, late, 90, user=999)
    read_again(watched, late - DAY, late + DAY)
    assert flags(watched) == {"high"}

    watched.execute(
        "delete from event where occurred_at >= %s and occurred_at < %s", (late - 8 * HOUR, late - 4 * HOUR), EVENTS
    )
    read_again(watched, late - DAY, late + DAY)
    assert "low" in flags(watched)

    # Who was first seen weeks later until now.
    add(watched, late, 5, user=20)
    watched.execute("delete from event where user_id = 999", database=EVENTS)
    read_again(watched, late - DAY, late + DAY)


def test_an_hour_that_nobody_read_is_told_when_a_later_one_was(watched):
    watched.now += 2 * HOUR
    last = watched.now.replace(minute=0)
    # As a warehouse has it whose source kept no more: an hour that was read, and none before it.
    watched.execute(
        "insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at, row_count) "
        "values ('events', 'events.events', %s, %s, %s, %s, 0)",
        (last - HOUR, last, watched.now, watched.now),
    )
    build(watched)
    assert "missing" in flags(watched)
    add(watched, last - 2 * HOUR, 20)
    watched.read("events", "--from", (last - 2 * HOUR).isoformat(), "--to", last.isoformat())
    build(watched)
    assert "missing" not in flags(watched)


def test_a_build_without_anything_new_writes_nothing(watched):
    written = writes(watched)
    watched.read("events")
    watched.build("--select", *MARTS)
    assert writes(watched) == written


def add(company, at: dt.datetime, count: int, user: int = 1) -> None:
    """Add logins to the hour of an instant."""
    company.execute(
        "insert into event (id, kind, occurred_at, recorded_at, user_id) "
        "select (select max(id) from event) + number, 'login', %s, %s, %s from generate_series(1, %s) as n (number)",
        (at.replace(minute=30), at.replace(minute=30), user, count),
        EVENTS,
    )


def read_again(company, start: dt.datetime, end: dt.datetime) -> None:
    """Read a range again and build; the marts have to be what they would be if all were built at once."""
    hours = (at.replace(minute=0).isoformat() for at in (start, end))
    company.read("events", "--from", next(hours), "--to", next(hours))
    build(company)


def build(company) -> None:
    """Build the facts and the marts, and hold these against what a build of all of them gives."""
    company.build("--select", *(f"+{mart}" for mart in MARTS))
    found = state(company)
    company.execute(f"drop table {', '.join(f'marts.{mart}' for mart in MARTS)} cascade")
    company.build("--select", *(f"{mart}" for mart in MARTS))
    assert state(company) == found
    since = company.now - 30 * DAY
    for grain in ("hourly", "daily"):
        asked = company.rows(JUDGED.format(f"intermediate.int_anomalies__{grain}"), (since,))
        assert sorted(asked) == sorted(company.rows(JUDGED.format(f"marts.mart_anomalies_{grain}"), (since,)))


def state(company) -> dict[str, list[tuple]]:
    """Return the rows of the marts, sorted."""
    return {mart: sorted(company.rows(f"select * from marts.{mart}"), key=repr) for mart in MARTS}


def writes(company) -> list[tuple]:
    """Return which rows of the marts were written by which transaction."""
    query = " union all ".join(f"select '{mart}', ctid::text, xmin::text from marts.{mart}" for mart in MARTS)
    return sorted(company.rows(query))


def flags(company) -> set[str]:
    """Return the reasons of the anomalies of the hours."""
    return {reason for (reason,) in company.rows("select reason from marts.mart_anomalies_hourly")}
