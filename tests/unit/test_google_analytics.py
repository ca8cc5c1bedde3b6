"""What Google Analytics writes, as numbers, hours and days; and when its quota is given anew."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from google.analytics.data_v1beta.types import PropertyQuota, RunReportResponse
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import QuotaError, SourceError
from ingest.sources.google_analytics.answers import number, parse
from ingest.sources.google_analytics.days import Days, check_hours, times_of_day, times_of_hours
from ingest.sources.google_analytics.quota import Quota
from ingest.sources.google_analytics.reports import ReportSettings

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
# Business time is Paris.
ZONES = ["Europe/Paris", "UTC", "America/New_York", "Asia/Tokyo", "Atlantic/Azores", "America/Havana", "Asia/Calcutta"]
REPORT = ReportSettings(grain="day", dimensions={"channel": "c", "campaign": "d"}, metrics={"a.m": "x", "a.n": "y"})

dates = st.dates(dt.date(2015, 1, 1), dt.date(2040, 1, 1))
instants = st.datetimes(dt.datetime(2015, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(UTC))


def page(*rows: tuple[list[str], list[str]]):
    """Return a page of rows, each of the texts of its dimensions and metrics."""
    found = RunReportResponse.pb()(row_count=len(rows))
    for names, values in rows:
        row = found.rows.add()
        for name in names:
            row.dimension_values.add(value=name)
        for value in values:
            row.metric_values.add(value=value)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("12", 12), ("12.0", 12), ("-3.5", -3.5), ("1e3", 1000), ("9007199254740993", 2**53), ("1E-400", 0)],
)
def test_numbers(text, value):
    assert number(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_nearest_to_its_text(value):
    assert number(repr(value)) == value


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "NaN", "Infinity", "-inf", "1e400", "1,5", "1_000", "0x10", "٣", "(other)", "1.", ".5", "+1"],
)
def test_no_numbers(text):
    assert number(text) is None


def test_two_rows_of_one_cell_are_an_error():
    times = times_of_day(dt.date(2026, 3, 10), ZoneInfo("UTC"))
    one, other = page((["20260310", "a", "b"], ["1", "2"])), page((["20260310", "a", "b"], ["1", "2"]))
    assert len(parse(REPORT, [one], times).cells) == 2
    with pytest.raises(SourceError, match="Google answers 20260310, a, b twice"):
        parse(REPORT, [one, other], times)


def test_labels_are_those_of_the_settings():
    """Whatever the texts are: blanks and empty ones are values; PostgreSQL knows no character 0."""
    texts = [["20260310", " Ünï “x” ", ""], ["20260310", "a\0b", "(not set)"]]
    answer = parse(
        REPORT, [page(*((names, ["1", "2.5"]) for names in texts))], times_of_day(dt.date(2026, 3, 10), ZoneInfo("UTC"))
    )
    assert [(metric, labels, value) for metric, labels, _, value, _ in answer.cells] == [
        ("a.m", '{"campaign": "", "channel": " Ünï “x” "}', 1),
        ("a.n", '{"campaign": "", "channel": " Ünï “x” "}', 2.5),
        ("a.m", '{"campaign": "(not set)", "channel": "a\ufffdb"}', 1),
        ("a.n", '{"campaign": "(not set)", "channel": "a\ufffdb"}', 2.5),
    ]


@pytest.mark.parametrize("time", ["(other)", "20260309", "2026031", "202603100", ""])
def test_a_row_of_another_time_is_rejected_whole(time):
    times = times_of_day(dt.date(2026, 3, 10), ZoneInfo("UTC"))
    answer = parse(REPORT, [page(([time, "a", "b"], ["1", "x"]))], times)
    assert answer.cells == []
    assert [(metric, value) for _, metric, value, _ in answer.rejects] == [("a.m", "1"), ("a.n", "x")]
    assert {reason for *_, reason in answer.rejects} == {f"{time} is no time of this day"}


@pytest.mark.parametrize("name", ZONES)
def test_the_hours_of_a_day_are_all_instants_of_its_date(name):
    zone = ZoneInfo(name)

    @given(dates)
    def holds(date):
        times = times_of_hours(date, zone)
        at, found = dt.datetime.combine(date, dt.time(), UTC) - 15 * HOUR, {}
        while at < dt.datetime.combine(date, dt.time(), UTC) + 42 * HOUR:
            local = at.astimezone(zone)
            if local.date() == date:
                found.setdefault(f"{local:%Y%m%d%H}", []).append(at - dt.timedelta(minutes=local.minute))
            at += dt.timedelta(minutes=30)
        assert times.keys() == found.keys()
        for label, (hour_at, is_near) in times.items():
            instants = sorted({*found[label]})
            assert (hour_at, is_near) == (instants[0], len(instants) == 2)

    holds()


@pytest.mark.parametrize("name", ZONES)
def test_days_follow_each_other_and_hold_what_they_touch(name):
    days = Days(ZoneInfo(name), dt.datetime(2041, 1, 1, tzinfo=UTC))

    @given(instants)
    def holds(at):
        date = days.date(at)
        period = days.period(date)
        assert period.start <= at < period.end
        assert days.period(date - DAY).end == period.start
        assert days.dates([period]) == [date]
        assert days.start(days.first(at)) >= at > days.start(days.first(at) - DAY)
        three = days.dates([days.period(date), days.period(date + 2 * DAY)])
        assert [after - before for before, after in pairwise(three)] == [2 * DAY]

    holds()


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("Europe/Paris", "2026-03-10T12:05"),
        ("America/New_York", "2026-03-10T07:05"),  # 8:05 there, and so 8:05 of the business day
        ("Asia/Tokyo", "2026-03-10T12:05"),  # 21:05 there, and never after now
    ],
)
def test_the_open_day_is_read_as_far_as_the_property_has_got(name, end):
    now = dt.datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
    assert Days.of_dates(ZoneInfo(name), now).end == dt.datetime.fromisoformat(f"{end}+00:00")
    assert Days.of_hours(ZoneInfo(name), now).end == now.replace(minute=0)


@pytest.mark.parametrize(
    ("name", "in_winter", "in_summer"),
    [("Europe/Paris", False, False), ("Africa/Lagos", False, True), ("UTC", True, True), ("Asia/Tokyo", True, True)],
)
def test_a_day_of_another_zone_is_only_nearly_that_of_business(name, in_winter, in_summer):
    """Where the offset is the same it is the same day, whatever the zone's name."""
    for date, is_near in ((dt.date(2026, 1, 10), in_winter), (dt.date(2026, 7, 10), in_summer)):
        assert times_of_day(date, ZoneInfo(name)) == {f"{date:%Y%m%d}": (date, is_near)}


def test_hours_at_other_minutes_than_those_of_business_are_refused():
    winter = [dt.date(2026, 1, 10)]
    with pytest.raises(SourceError, match=r"Asia/Calcutta\) start at :30 UTC, those of the .* Europe/Paris at :00"):
        check_hours(winter, ZoneInfo("Asia/Calcutta"))
    # Lord Howe moves its clocks by half an hour: in winter its hours fit, in summer they don't.
    check_hours([dt.date(2026, 1, 10)], ZoneInfo("Australia/Lord_Howe"))
    with pytest.raises(SourceError, match="Lord_Howe"):
        check_hours([dt.date(2026, 7, 10)], ZoneInfo("Australia/Lord_Howe"))
    for name in set(ZONES) - {"Asia/Calcutta"}:
        check_hours(winter, ZoneInfo(name))


def left(**buckets: tuple[int, int]):
    """Return a quota of which each bucket was consumed, and is left."""
    return PropertyQuota.pb()(**{name: {"consumed": took, "remaining": rest} for name, (took, rest) in buckets.items()})


@pytest.mark.parametrize(
    ("reserve", "buckets", "is_enough"),
    [
        (0.05, {}, True),
        (0.05, {"tokens_per_hour": (4, 2004)}, True),
        (0.05, {"tokens_per_hour": (4, 2003)}, False),
        (0, {"tokens_per_hour": (4, 4)}, True),
        (0, {"tokens_per_hour": (4, 3)}, False),
        (0.05, {"tokens_per_hour": (4, 30_000), "tokens_per_day": (4, 10_003)}, False),
        (0.05, {"server_errors_per_project_per_hour": (0, 1)}, True),
        (0.05, {"server_errors_per_project_per_hour": (0, 0)}, False),
        (0.05, {"concurrent_requests": (1, 0)}, True),  # it is only for this instant
    ],
)
def test_a_request_is_made_where_it_leaves_the_reserve(reserve, buckets, is_enough):
    quota = Quota(reserve, dt.datetime(2026, 3, 10, 12, 5, tzinfo=UTC))
    quota.note(left(**buckets))
    if is_enough:
        quota.check()
        return
    for _ in range(2):
        with pytest.raises(QuotaError):
            quota.check()


@pytest.mark.parametrize(
    ("now", "again"),
    [
        ("2026-03-10T12:05", "2026-03-11 07:00"),
        ("2026-03-10T06:59", "2026-03-10 07:00"),
        ("2026-03-07T20:00", "2026-03-08 08:00"),  # the clocks of California go forward two hours after that midnight
        ("2026-11-01T20:00", "2026-11-02 08:00"),
    ],
)
def test_the_day_s_tokens_are_given_anew_at_pacific_midnight(now, again):
    quota = Quota(0.05, dt.datetime.fromisoformat(f"{now}+00:00"))
    error = quota.refused("Exhausted property tokens per day. These quota tokens will return in under 24 hours.")
    assert str(error).endswith(f"in under 24 hours; run again after {again} UTC")
    with pytest.raises(QuotaError, match="Exhausted property tokens per day"):
        quota.check()
