"""Revisions: exactly where a value that was complete changed, with its reason."""

import datetime as dt

import pytest

from tests.conftest import EVENTS
from tests.facts import rebuild

HOUR = dt.timedelta(hours=1)
QUERY = """
    select grain, series, period_at, old_value, new_value, reason
    from core.fct_metric_revision inner join core.dim_series using (series_id)
    where fct_metric_revision.metric = 'events.count'
    order by revised_at, grain, series, period_at
"""


@pytest.fixture
def yesterday(company):
    """Give a company whose day before is read and built, with two logins at noon; and that noon."""
    noon = company.now.replace(hour=12, minute=0) - 24 * HOUR
    start = noon - 40 * HOUR
    company.set(SOURCES__EVENTS__START_AT=start.isoformat())
    company.add_events((1, "login", noon), (2, "login", noon), (3, "crawl.failed", start))
    company.read()
    company.build_facts("mart_revisions")
    assert company.rows(QUERY) == []
    return noon


def change(company, statement: str) -> None:
    """Change the source, read the last three days again, and build."""
    company.now += HOUR
    company.execute(statement, database=EVENTS)
    company.read("events", "--from", (company.now - 80 * HOUR).isoformat(), "--to", company.now.isoformat())
    company.build_facts("mart_revisions")


def test_a_number_restated_twice(company, yesterday):
    """The example of docs/time.md: 2, then 3 (an event came late), then 1 (two were withdrawn)."""
    midnight = dt.datetime.combine(yesterday.date(), dt.time(), dt.timezone.utc) - HOUR
    login, hour = "events.count{type=login}", yesterday
    change(company, f"insert into event (id, kind, occurred_at) values (4, 'login', '{yesterday}')")
    first = [("day", login, midnight, 2, 3, "late"), ("hour", login, hour, 2, 3, "late")]
    assert sorted(company.rows(QUERY)) == first

    change(company, "delete from event where id in (1, 2)")
    second = [("day", login, midnight, 3, 1, "restated"), ("hour", login, hour, 3, 1, "restated")]
    assert sorted(company.rows(QUERY)[2:]) == second

    shown = company.rows(
        "select grain, reason, revision_count, largest_change from marts.mart_revisions order by grain, reason"
    )
    assert shown == [
        ("day", "late", 1, 1),
        ("day", "restated", 1, 2),
        ("hour", "late", 1, 1),
        ("hour", "restated", 1, 2),
    ]
    rebuild(company)
    assert len(company.rows(QUERY)) == 4


def test_a_zero_that_was_never_stored_is_shown_as_0(company, yesterday):
    """An hour that was read and empty gets its first event: stored as no value, shown as 0."""
    change(company, f"insert into event (id, kind, occurred_at) values (4, 'login', '{yesterday + 3 * HOUR}')")
    hourly = [row for row in company.rows(QUERY) if row[0] == "hour"]
    assert hourly == [("hour", "events.count{type=login}", yesterday + 3 * HOUR, None, 1, "late")]
    assert company.value("select mean_change from marts.mart_revisions where grain = 'hour'") == 1

    change(company, "delete from event where id = 4")
    hourly = [row for row in company.rows(QUERY) if row[0] == "hour"]
    assert hourly[1:] == [("hour", "events.count{type=login}", yesterday + 3 * HOUR, 1, None, "restated")]


def test_what_was_not_complete_is_not_revised(company, yesterday):
    """The open hour grows from read to read, and that is no revision."""
    for number in range(10, 13):
        company.now += dt.timedelta(minutes=10)
        company.add_events((number, "login", company.now - dt.timedelta(minutes=1)))
        company.read("events")
        company.build_facts("mart_revisions")
    assert company.value("select value from marts.mart_hourly order by time desc, value desc limit 1") == 3
    assert company.rows(QUERY) == []


def test_an_equal_value_is_no_revision(company, yesterday):
    """Another event in the place of one: the value is the same."""
    change(
        company,
        f"delete from event where id = 1; insert into event (id, kind, occurred_at) values (9, 'login', '{yesterday}')",
    )
    assert company.rows(QUERY) == []
