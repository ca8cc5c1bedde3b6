"""Periods, instants, hours and business days, for any input."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import hours
from ingest.errors import SetupError
from ingest.reads import Period, merge_periods, parse_instant

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
START = dt.datetime(2026, 3, 1, tzinfo=UTC)
CLOCK_CHANGES = {
    "UTC": [],
    "Europe/Paris": [dt.datetime(2026, 3, 29, 1, tzinfo=UTC), dt.datetime(2026, 10, 25, 1, tzinfo=UTC)],
    "America/New_York": [dt.datetime(2026, 3, 8, 7, tzinfo=UTC), dt.datetime(2026, 11, 1, 6, tzinfo=UTC)],
    "Asia/Kolkata": [],
}
ZONES = list(CLOCK_CHANGES)

instants = st.datetimes(min_value=dt.datetime(1971, 1, 1), max_value=dt.datetime(2099, 1, 1), timezones=st.just(UTC))
periods = st.builds(
    lambda start, length: Period(START + start * MINUTE, START + (start + length) * MINUTE),
    st.integers(0, 3000),
    st.integers(1, 200),
)


@pytest.fixture
def zone(monkeypatch):
    """Give a function that makes a zone the business time zone of this test."""

    def forget() -> None:
        hours.business_timezone.cache_clear()
        hours.origin.cache_clear()

    def set_zone(name: str) -> ZoneInfo:
        monkeypatch.setattr(hours, "dbt_vars", lambda: {"business_timezone": name})
        forget()
        return hours.business_timezone()

    yield set_zone
    monkeypatch.undo()
    forget()


def minutes(given_periods: list[Period]) -> set[int]:
    """Return the minutes that periods hold."""
    return {
        minute
        for start, end in given_periods
        for minute in range(int((start - START) / MINUTE), int((end - START) / MINUTE))
    }


def gaps(given_periods: list[Period]) -> list[dt.timedelta]:
    """Return the times between neighbours."""
    return [after.start - before.end for before, after in pairwise(given_periods)]


@given(st.lists(periods, max_size=40), st.integers(1, 30))
def test_merged_periods_are_sorted_apart_and_few(some, at_most):
    merged = merge_periods(some, at_most)
    assert len(merged) <= at_most
    assert all(gap > dt.timedelta(0) for gap in gaps(merged))
    assert bool(merged) == bool(some)


@given(st.lists(periods, max_size=40))
def test_merging_without_need_to_close_gaps_holds_the_same_minutes(some):
    assert minutes(merge_periods(some, at_most=40)) == minutes(some)


@given(st.lists(periods, min_size=1, max_size=40), st.integers(1, 30))
def test_merging_loses_nothing_and_closes_only_the_smallest_gaps(some, at_most):
    apart, merged = merge_periods(some, at_most=40), merge_periods(some, at_most)
    assert minutes(merged) >= minutes(some)
    left = sorted(gaps(merged))
    assert left == sorted(gaps(apart))[len(apart) - len(merged) :]
    assert len(merged) == min(len(apart), at_most)


@given(instants, st.sampled_from([UTC, *(ZoneInfo(name) for name in ZONES)]))
def test_an_instant_is_read_as_it_was_written(at, written_in):
    assert parse_instant(at.astimezone(written_in).isoformat(), "--from") == at


@pytest.mark.parametrize(
    "text",
    ["2026-11-01T00:00Z", "2026-11-01", " 2026-11-01 00:00 ", "2026-11-01T05:30+05:30", "2026-10-31T20:00-04:00"],
)
def test_an_instant_without_a_zone_is_utc_and_any_other_becomes_utc(text):
    assert parse_instant(text, "--from").isoformat() == "2026-11-01T00:00:00+00:00"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-13-01", "0001-01-01T00:00+05:00", "12:00"])
def test_no_instant_is_refused_with_the_setting_and_an_example(text):
    with pytest.raises(SetupError, match=r"^--from: .* is no instant; write one such as 2026-11-01T00:00Z$"):
        parse_instant(text, "--from")


@pytest.mark.parametrize("name", ZONES)
def test_hours_start_on_the_whole_hours_of_business_time(zone, name):
    business = zone(name)

    @given(instants)
    def holds(at):
        first, last = hours.floor_hour(at), hours.ceil_hour(at)
        assert first <= at <= last
        assert last - first == (dt.timedelta(0) if first == at else HOUR)
        for hour in (first, last):
            assert hour.minute == (30 if name == "Asia/Kolkata" else 0)
            assert (hour.second, hour.microsecond) == (0, 0)

    holds()
    for change in CLOCK_CHANGES[name]:
        for at in (change - HOUR, change, change + HOUR):
            assert hours.floor_hour(at + 59 * MINUTE) == at == hours.ceil_hour(at - 59 * MINUTE)
            assert at.astimezone(business).minute == 0


@pytest.mark.parametrize("name", ZONES)
def test_midnight_is_the_start_of_the_business_day(zone, name):
    business = zone(name)

    @given(instants)
    def holds(at):
        start = hours.midnight(at)
        assert start <= at
        assert start.astimezone(business).date() == at.astimezone(business).date()
        assert (start - dt.timedelta(microseconds=1)).astimezone(business).date() < at.astimezone(business).date()

    holds()
    for change in CLOCK_CHANGES[name]:
        day = hours.midnight(change)
        assert day == hours.midnight(change - HOUR) == hours.midnight(change + 12 * HOUR)
        assert hours.midnight(day + 26 * HOUR) - day == (23 if change.month == 3 else 25) * HOUR


def test_a_day_starts_with_the_first_midnight_or_with_the_hour_after_a_skipped_one(zone):
    zone("America/Havana")
    for day, length in (
        (dt.datetime(2026, 11, 1, 4, tzinfo=UTC), 25),  # 00:00 is there twice
        (dt.datetime(2026, 3, 8, 5, tzinfo=UTC), 23),  # 00:00 is skipped
    ):
        for hour in range(length):
            assert hours.midnight(day + hour * HOUR) == day
        assert hours.midnight(day + length * HOUR) == day + length * HOUR
        assert hours.midnight(day - HOUR) < day


def test_the_hour_in_sql_counts_from_the_same_origin(zone):
    zone("Asia/Kolkata")
    assert hours.hour_of("at") == "date_bin('1 hour', at, timestamptz '1970-01-01 00:30+00')"
    zone("America/New_York")
    assert hours.hour_of("at") == "date_bin('1 hour', at, timestamptz '1970-01-01 00:00+00')"


def test_a_zone_that_moves_its_clocks_by_half_an_hour_is_refused():
    year = (dt.datetime(2026, 1, 1, tzinfo=UTC), dt.datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(SetupError, match=r"Australia/Lord_Howe changes its minutes past the hour \(:00, :30\)"):
        hours.check_zone(ZoneInfo("Australia/Lord_Howe"), *year)
    for name in [*ZONES, "Asia/Kathmandu", "America/St_Johns"]:
        hours.check_zone(ZoneInfo(name), *year)


def test_what_is_no_zone_is_refused_with_an_example(zone):
    for name in ("Europe/Pariss", "", "../etc"):
        with pytest.raises(SetupError, match=r"business_timezone: .* is no time zone; write one such as Europe/Paris"):
            zone(name)
