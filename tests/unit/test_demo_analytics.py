"""The pretend company's Google Analytics as a pure function: what its property tells, and when."""

import datetime as dt
from collections import Counter
from itertools import pairwise

import pytest
from google.analytics.data_v1beta import types

from demo.analytics import visitors
from demo.analytics.refusals import Refusal
from demo.analytics.reports import report
from demo.analytics.switches import Switches
from demo.company import PARIS, SIGN_UPS_A_DAY, hour_of, sign_ups

UTC = dt.timezone.utc
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
WEEK = [dt.date(2026, 10, 5) + number * DAY for number in range(7)]
CHANNEL = "sessionDefaultChannelGroup"
ADDITIVE = ("sessions", "newUsers", "screenPageViews", "keyEvents", "eventCount", "engagedSessions")


def request(dimensions=(), metrics=("sessions",), first=WEEK[0], last=None, **more):
    """Return the raw message of a request."""
    return types.RunReportRequest.pb(
        types.RunReportRequest(
            property="properties/demo",
            dimensions=[{"name": name} for name in dimensions],
            metrics=[{"name": name} for name in metrics],
            date_ranges=[{"start_date": str(first), "end_date": str(last or first)}],
            **more,
        )
    )


def rows(message):
    """Return (dimensions, metrics) of each row, as text."""
    return [
        (tuple(cell.value for cell in row.dimension_values), tuple(cell.value for cell in row.metric_values))
        for row in message.rows
    ]


def values(*asked, now=NOW, switches=None, **more):
    """Return key -> numbers, where a key of one dimension is its value."""
    found = rows(report(request(*asked, **more), now, switches or Switches()))
    numbers = {key: tuple(map(float, texts)) for key, texts in found}
    assert len(numbers) == len(found)
    return {key[0] if len(key) == 1 else key: numbers[key] for key in sorted(numbers)}


def sessions(day, hours, channel=None):
    """Return the sessions of a day, asked some hours after its end."""
    end = dt.datetime.combine(day + DAY, dt.time(), PARIS).astimezone(UTC)
    found = values([CHANNEL], ["sessions"], day, now=end + hours * HOUR)
    return found.get(channel, (0,))[0] if channel else sum(number for (number,) in found.values())


# --- Restatement ---


def test_a_day_grows_for_72_hours_after_its_end():
    known = [sum(sessions(day, hours) for day in WEEK) for hours in (0, 24, 48, 72, 500)]
    assert [number / known[-1] for number in known] == pytest.approx([0.64, 0.89, 0.95, 1, 1], abs=0.01)
    for day in WEEK:
        assert [a < b for a, b in pairwise(sessions(day, hours) for hours in (0, 24, 48, 72))] == [True] * 3


def test_unassigned_shrinks_and_then_has_no_row():
    for day in WEEK:
        first, second = (sessions(day, hours, "Unassigned") for hours in (1, 24))
        assert 0 < second < first
        later = [values([CHANNEL], ["sessions"], day, now=NOW - shift) for shift in (0 * DAY, 10 * DAY)]
        assert all("Unassigned" not in found and len(found) == 7 for found in later)
    assert 0.08 < sessions(WEEK[0], 1, "Unassigned") / sessions(WEEK[0], 1) < 0.15


def test_an_hour_is_restated_too_and_there_is_none_of_the_future():
    at = dt.datetime(2026, 10, 6, 9, tzinfo=UTC)  # 11:00 in Paris
    early, late = (values(["dateHour"], ["sessions"], WEEK[1], now=at + hours * HOUR) for hours in (1, 100))
    assert list(early) == [f"20261006{hour:02d}" for hour in range(12)]
    assert len(late) == 24
    assert all(early[label] < late[label] for label in early)
    assert values(["date"], ["sessions"], WEEK[2], now=at) == {}
    assert values([], ["active7DayUsers"], WEEK[2], now=at) == {}
    both = values(["date"], ["active7DayUsers"], WEEK[1], WEEK[2], now=at)
    assert list(both) == ["20261006"]


def test_the_same_question_at_the_same_instant_has_the_same_answer():
    asked = request(["date", CHANNEL], ["sessions", "activeUsers"], WEEK[0], WEEK[6])
    answer = report(asked, NOW, Switches())
    visitors.sessions.cache_clear()
    assert report(asked, NOW, Switches()) == answer


# --- What is counted ---


def test_users_do_not_add_up_and_all_else_does():
    by_day = values(["date"], [*ADDITIVE, "activeUsers"], WEEK[0], WEEK[6])
    for dimension in ("dateHour", "hour", CHANNEL, "deviceCategory", "country", "newVsReturning"):
        for day in WEEK[:2]:
            parts = values([dimension], [*ADDITIVE, "activeUsers"], day)
            *sums, users = (sum(column) for column in zip(*parts.values(), strict=True))
            *wanted, wanted_users = by_day[f"{day:%Y%m%d}"]
            assert sums == wanted
            assert users > wanted_users
    (whole,) = values([], [*ADDITIVE, "activeUsers"], WEEK[0], WEEK[6]).values()
    assert whole[:-1] == tuple(sum(column) for column in zip(*by_day.values(), strict=True))[:-1]
    assert whole[-1] < sum(row[-1] for row in by_day.values())


def test_the_users_of_7_days_are_those_of_the_days():
    rolling = values(["date"], ["active7DayUsers"], WEEK[6], WEEK[6] + DAY)
    (week,) = values([], ["activeUsers"], WEEK[0], WEEK[6])[()]
    assert rolling["20261011"] == (week,)
    assert rolling["20261012"] == tuple(values([], ["activeUsers"], WEEK[1], WEEK[6] + DAY)[()])
    assert values([], ["active7DayUsers"], WEEK[6]) == {(): (week,)}
    by_channel = values(["date", CHANNEL], ["active7DayUsers"], WEEK[6])
    assert by_channel["20261011", "Email"] == values([CHANNEL], ["activeUsers"], WEEK[0], WEEK[6])["Email"]


def test_visitors_fit_the_company():
    """Of sessions 2 to 5 % sign up; some channels bring much, some little; nights and weekends are quiet."""
    birth = hour_of(NOW - 90 * DAY)
    signed_up = sum(len(sign_ups(birth, day)) for day in range(90)) / 90
    found = values(["date"], ["sessions", "newUsers"], WEEK[0], WEEK[6])
    daily = sum(row[0] for row in found.values()) / 7
    assert 0.02 < SIGN_UPS_A_DAY / daily < signed_up / daily < 0.05
    assert found["20261010"][0] < 0.7 * found["20261006"][0]
    assert sum(row[1] for row in found.values()) / 7 / daily == pytest.approx(0.55, abs=0.01)
    hours = values(["hour"], ["sessions"], WEEK[1])
    assert hours["04"][0] < hours["10"][0] / 10
    channels = values([CHANNEL], ["sessions"], WEEK[0], WEEK[6])
    assert max(channels, key=channels.get) == "Organic Search"
    assert min(channels, key=channels.get) == "Organic Video"


def test_who_comes_back_was_there_before():
    hour = hour_of(NOW)
    known = Counter()
    for session in visitors.sessions(hour):
        first_hour = session.visitor // visitors.IDS_AN_HOUR
        assert (first_hour == hour) == session.is_new
        known[first_hour in range(hour - 3, hour) or (hour - first_hour) % 24 == 0] += 1
    assert known == {True: visitors.session_count(hour)}


# --- Days and zones ---


@pytest.mark.parametrize(
    ("day", "missing", "hours"), [(dt.date(2026, 3, 29), {"02"}, 23), (dt.date(2026, 10, 25), set(), 25)]
)
def test_the_labels_of_the_days_on_which_clocks_change(day, missing, hours):
    found = values(["dateHour"], ["sessions"], day)
    assert list(found) == [f"{day:%Y%m%d}{hour:02d}" for hour in range(24) if f"{hour:02d}" not in missing]
    start = hour_of(dt.datetime.combine(day, dt.time(), PARIS))
    whole = [visitors.session_count(hour) for hour in range(start, start + hours)]
    assert sum(number for (number,) in found.values()) == sum(whole)
    if not missing:
        assert found[f"{day:%Y%m%d}02"] == (whole[2] + whole[3],)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Kolkata", "America/New_York"])
def test_another_zone_cuts_the_days_elsewhere(zone):
    elsewhere = Switches(time_zone=zone)
    found = values(["date"], ["sessions"], WEEK[0], WEEK[6], switches=elsewhere)
    assert list(found) == [f"{day:%Y%m%d}" for day in WEEK]
    assert found != values(["date"], ["sessions"], WEEK[0], WEEK[6])
    assert report(request(), NOW, elsewhere).metadata.time_zone == zone


# --- Orders, pages, filters ---


def order_by(*names):
    """Return the orders by dimensions, or by the metric sessions."""
    return [
        {"metric": {"metric_name": name}} if name == "sessions" else {"dimension": {"dimension_name": name}}
        for name in names
    ]


def pages(limit, orders, switches=None):
    """Return the keys of all pages of a report of 7 x 7 rows."""
    keys = []
    for offset in range(0, 49, limit):
        asked = request(["date", CHANNEL], ["sessions"], WEEK[0], WEEK[6], limit=limit, offset=offset, order_bys=orders)
        answer = report(asked, NOW, switches or Switches())
        assert answer.row_count == 49
        keys += [key for key, _ in rows(answer)]
    return keys


def test_pages_without_an_order_lose_rows_and_with_one_they_do_not():
    assert len(set(pages(10, []))) < 45
    assert len(set(pages(10, order_by("date")))) < 49
    assert pages(10, order_by("date", CHANNEL)) == sorted(set(pages(49, [])))
    assert pages(49, []) != sorted(pages(49, []))


def test_orders():
    def keys(*orders):
        asked = request(["date", CHANNEL], ["sessions"], WEEK[0], WEEK[1], order_bys=orders)
        return rows(report(asked, NOW, Switches()))

    by_sessions, backwards = order_by("sessions")[0], {**order_by("date")[0], "desc": True}
    numbers = [int(texts[0]) for _, texts in keys(by_sessions)]
    assert numbers == sorted(numbers)
    found = keys(backwards, by_sessions)
    assert found == sorted(found, key=lambda row: (-int(row[0][0]), int(row[1][0])))
    numeric = {"dimension": {"dimension_name": "date", "order_type": "NUMERIC"}}
    assert [key[0] for key, _ in keys(numeric)] == ["20261005"] * 7 + ["20261006"] * 7
    lower = {"dimension": {"dimension_name": CHANNEL, "order_type": "CASE_INSENSITIVE_ALPHANUMERIC"}}
    assert [key[1] for key, _ in keys(lower)] == sorted([*visitors.CHANNELS] * 2)


def test_a_page_has_10_000_rows_or_as_many_as_asked_for_up_to_250_000():
    large = Switches(rows=250_010)
    asked = request([CHANNEL], [])
    assert len(report(asked, NOW, large).rows) == 10_000
    asked.limit = 1_000_000
    answer = report(asked, NOW, large)
    assert (len(answer.rows), answer.row_count) == (250_000, 250_010)
    asked.offset = 250_000
    rest = report(asked, NOW, large)
    keys = [row.dimension_values[0].value for row in [*answer.rows, *rest.rows]]
    assert len(keys) == len(set(keys)) == 250_010
    assert keys == sorted(keys)
    asked.offset = 250_010
    assert len(report(asked, NOW, large).rows) == 0


EMAIL = {"field_name": CHANNEL, "string_filter": {"value": "email"}}
ORGANIC = {"field_name": CHANNEL, "string_filter": {"value": "Organic", "match_type": "BEGINS_WITH"}}
LISTED = {"field_name": CHANNEL, "in_list_filter": {"values": ["EMAIL", "direct"]}}


@pytest.mark.parametrize(
    ("expression", "channels"),
    [
        ({"filter": EMAIL}, {"Email"}),
        ({"filter": {"field_name": CHANNEL, "string_filter": {"value": "email", "case_sensitive": True}}}, set()),
        ({"filter": ORGANIC}, {"Organic Search", "Organic Social", "Organic Video"}),
        (
            {"filter": {"field_name": CHANNEL, "string_filter": {"value": "search", "match_type": "ENDS_WITH"}}},
            {"Organic Search", "Paid Search"},
        ),
        (
            {"filter": {"field_name": CHANNEL, "string_filter": {"value": "c S", "match_type": "CONTAINS"}}},
            {"Organic Search", "Organic Social"},
        ),
        (
            {"filter": {"field_name": CHANNEL, "string_filter": {"value": "Dir|Email", "match_type": "FULL_REGEXP"}}},
            {"Email"},
        ),
        (
            {"filter": {"field_name": CHANNEL, "string_filter": {"value": "^D|^E", "match_type": "PARTIAL_REGEXP"}}},
            {"Direct", "Email"},
        ),
        ({"filter": LISTED}, {"Email", "Direct"}),
        ({"filter": {"field_name": CHANNEL, "in_list_filter": {"values": ["EMAIL"], "case_sensitive": True}}}, set()),
        ({"or_group": {"expressions": [{"filter": EMAIL}, {"filter": LISTED}]}}, {"Email", "Direct"}),
        ({"and_group": {"expressions": [{"filter": EMAIL}, {"filter": LISTED}]}}, {"Email"}),
        ({"not_expression": {"filter": ORGANIC}}, {"Direct", "Referral", "Paid Search", "Email"}),
    ],
)
def test_filters(expression, channels):
    everything = values([CHANNEL], ["sessions"], WEEK[0])
    found = values([CHANNEL], ["sessions"], WEEK[0], dimension_filter=expression)
    assert found == {channel: everything[channel] for channel in sorted(channels)}


# --- What is refused ---


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            request(metrics=["sesions"]),
            "Did you mean sessions? Field sesions is not a valid metric.  For a list of valid dimensions and metrics, "
            "see https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema ",
        ),
        (
            request(["xyz"]),
            "Field xyz is not a valid dimension. For a list of valid dimensions and metrics, see "
            "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema ",
        ),
        (
            request([f"customEvent:{number}" for number in range(10)]),
            "Requests are limited to 9 dimensions within a nested request. This request is for 10 dimensions.",
        ),
        (
            request(
                [f"customEvent:{number}" for number in range(9)],
                dimension_filter={"filter": {"field_name": "date", "string_filter": {"value": "x"}}},
            ),
            "Requests are limited to 9 dimensions within a nested request. This request is for 10 dimensions.",
        ),
        (
            request(metrics=["sessions"] * 11),
            "Requests are limited to 10 metrics within a nested request. This request is for 11 metrics.",
        ),
        (
            request(["dateHour"], ["active7DayUsers"]),
            "Please remove active7DayUsers to make the request compatible for example. The request's dimensions & "
            "metrics are incompatible. To learn more, see https://ga-dev-tools.google/ga4/dimensions-metrics-explorer/",
        ),
        (request(metrics=[]), "Requests require dimensions and/or metrics. Please add dimensions and/or metrics."),
        (request(first="yesterday"), "Invalid isoformat string: 'yesterday'. The demo answers absolute dates,"),
        (request(first=WEEK[1], last=WEEK[0]), "Invalid date range: 2026-10-06 is after 2026-10-05."),
        (request(limit=-1), "Limit and offset must not be negative."),
        (request(order_bys=order_by("date")), "Order by field date is not a dimension or metric of the request."),
        (request(metric_aggregations=["TOTAL"]), "The demo does not answer metricAggregations."),
        (
            request(dimension_filter={"filter": {"field_name": "date", "empty_filter": {}}}),
            "The demo does not answer empty_filter.",
        ),
    ],
)
def test_what_is_refused(asked, message):
    with pytest.raises(Refusal) as refusal:
        report(asked, NOW, Switches())
    assert refusal.value.status == "INVALID_ARGUMENT"
    assert refusal.value.message.startswith(message)


# --- Oddities ---


def test_a_day_and_a_channel_may_have_no_rows():
    found = values(["date"], ["sessions"], WEEK[0], WEEK[2], switches=Switches(without_days={WEEK[1]}))
    assert list(found) == ["20261005", "20261007"]
    assert "Email" not in values([CHANNEL], ["sessions"], switches=Switches(without_channels={"Email"}))
    empty = report(request(["date"], first=WEEK[1]), NOW, Switches(without_days={WEEK[1]}))
    assert (empty.row_count, len(empty.rows)) == (0, 0)


@pytest.mark.parametrize("dimension", ["dateHour", "date", CHANNEL])
def test_rare_values_may_become_other(dimension):
    switches = Switches(other=dimension)
    found = values([dimension], ["sessions"], WEEK[0], WEEK[1], switches=switches)
    everything = values([dimension], ["sessions"], WEEK[0], WEEK[1])
    assert {*found} == {*everything, "(other)"}
    assert sum(row[0] for row in found.values()) == sum(row[0] for row in everything.values())
    assert report(request(), NOW, switches).metadata.data_loss_from_other_row


def test_a_row_may_go_while_one_turns_pages():
    switches = Switches(moves=2)
    asked = request(["date", CHANNEL], first=WEEK[0], last=WEEK[6], limit=10)
    counts = []
    for offset in (0, 10, 0, 10, 0, 10):
        asked.offset = offset
        counts.append(report(asked, NOW, switches).row_count)
    assert counts == [49, 48, 49, 48, 49, 49]


def test_a_report_says_that_it_is_no_whole_one():
    plain = report(request(), NOW, Switches()).metadata
    assert not plain.sampling_metadatas
    assert not plain.data_truncation_reasons
    assert not plain.HasField("subject_to_thresholding")
    odd = report(request(), NOW, Switches(is_sampled=True, is_truncated=True, is_thresholded=True)).metadata
    assert odd.sampling_metadatas[0].samples_read_count < odd.sampling_metadatas[0].sampling_space_size
    assert odd.data_truncation_reasons[0].data_truncation_message == "Query date range may not be fully served."
    assert odd.subject_to_thresholding
    small = values(["hour", "country"], ["sessions"], switches=Switches(is_thresholded=True))
    assert min(number for (number,) in small.values()) == 10


def test_numbers_as_google_writes_them():
    answer = report(request(["date"], ["sessions", "engagementRate"]), NOW, Switches())
    assert [header.type_ for header in answer.metric_headers] == [types.MetricType.TYPE_INTEGER, 2]
    ((_, (number, rate)),) = rows(answer)
    assert number.isdigit()
    assert 0.5 < float(rate) < 0.65
    floats = report(request(["date"], ["sessions"]), NOW, Switches(as_floats=True))
    assert rows(floats) == [(("20261005",), (f"{number}.0",))]
    garbage = report(request([CHANNEL], ["sessions", "newUsers"]), NOW, Switches(garbage="NaN"))
    assert [texts[0] == "NaN" for _, texts in rows(garbage)] == [True] + [False] * 6


def test_the_currency_is_the_propertys_or_the_requests():
    assert report(request(), NOW, Switches()).metadata.currency_code == "EUR"
    assert report(request(), NOW, Switches(currency_code="USD")).metadata.currency_code == "USD"
    assert report(request(currency_code="JPY"), NOW, Switches()).metadata.currency_code == "JPY"


def test_rows_without_values_are_left_out():
    hours = {"filter": {"field_name": "hour", "string_filter": {"value": "03"}}}
    asked = (["country"], ["keyEvents"], WEEK[0])
    assert len(values(*asked, dimension_filter=hours)) < len(
        values(*asked, dimension_filter=hours, keep_empty_rows=True)
    )
