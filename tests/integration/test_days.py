"""Business days of 23 and 25 hours, and what is complete when."""

import datetime as dt

import pytest

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_a_day_has_the_hours_that_paris_gives_it(company, day, hours):
    """One event in each hour around: the day holds its own, and is complete when all of them are."""
    noon = dt.datetime.fromisoformat(f"{day}T12:00+00:00")
    company.add_events(*((number, "login", noon + (number - 60) * HOUR) for number in range(120)))
    company.now = noon + 24 * HOUR
    company.read("events")
    company.build_facts()
    query = "select value, is_complete, flags from marts.mart_daily where metric = 'events.count' and date_day = %s"
    assert company.rows(query, (day,)) == [(hours, True, [])]
    dates = company.rows("select hours_in_day from core.dim_date where date_day = %s", (day,))
    assert dates == [(hours,)]
    repeated = company.value("select count(*) from core.dim_hour where is_repeated_hour and date_day = %s", (day,))
    assert repeated == max(hours - 24, 0)


def test_an_hour_is_complete_once_it_was_read_late_enough(company):
    """settle_minutes after its end; a day when all its hours are."""
    query = "select time, is_complete from marts.mart_hourly where metric = 'events.count' order by time"
    first = dt.datetime(2026, 3, 10, 22, tzinfo=UTC)
    company.add_events(*((number, "login", first + number * HOUR) for number in range(3)))

    company.now = first + HOUR + dt.timedelta(minutes=2)
    company.read("events")
    company.build_facts()
    assert company.rows(query) == [(first, False), (first + HOUR, False)]

    company.now = first + HOUR + dt.timedelta(minutes=3)
    company.read("events")
    company.build_facts()
    assert company.rows(query) == [(first, True), (first + HOUR, False)]


def test_a_source_that_was_not_read_is_missing_and_not_zero(company):
    """No row where nothing was read; a zero where it was read and nothing happened."""
    first = dt.datetime(2026, 3, 10, 8, tzinfo=UTC)
    company.set(SOURCES__EVENTS__START_AT=first.isoformat())
    company.add_events((1, "login", first), (2, "login", first + 5 * HOUR))
    company.now = first + 2 * HOUR + dt.timedelta(minutes=30)
    company.read("events")
    company.build_facts()
    query = "select time, value, flags from marts.mart_hourly where metric = 'events.count' order by time"
    assert company.rows(query) == [(first, 1, []), (first + HOUR, 0, ["no_rows"])]
