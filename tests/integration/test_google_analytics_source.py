"""What is read of a restating property equals what it says in the end, on both wires and on days of any length."""

import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from google.protobuf import json_format

from demo.analytics import reports as demo_reports
from demo.analytics.switches import Switches
from ingest.project import ROOT
from tests.integration.google_analytics_server import REPORTS

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
START = dt.date(2026, 3, 4)
TABLES = "raw.reads, raw.google_analytics_days, raw.google_analytics_hours, raw.google_analytics_rejects"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-{text}+00:00")


def test_five_loads_over_restating_data_end_as_one_full_read_does(company, google, read_google):
    """On five days, by both wires in turn: as by a client that asks at the end, and as by a first load."""
    after, changed = [], 0
    for number, wire in enumerate(("rest", "grpc", "rest", "grpc", "rest")):
        company.now = at("03-06 08:05") + number * DAY
        code, printed = read_google(wire=wire)
        assert code == 0, printed
        before, after = after, read_google.stored()
        changed += len({*before} - {*after})
    assert changed > 100
    last = dt.date(2026, 3, 10)
    for name in ("channels", "users"):
        assert read_google.held(name) == google.ask(name, START, last)
    hours = google.ask("hours", START, last)
    assert read_google.held("hours") == {cell: value for cell, value in hours.items() if cell[2] < "2026031009"}
    assert not [row for row in after if row[5]]

    company.execute(f"truncate {TABLES}")
    assert read_google(wire="grpc")[0] == 0
    assert read_google.stored() == after


def test_what_vanished_at_google_vanishes_here(company, google, read_google):
    """A channel, and a day with its hours. What is older than the lookback stays until the days are read again."""
    read_google()
    before = read_google.stored()
    google.analytics.switches = Switches(
        without_channels={"Unassigned", "Referral"}, without_days={START, dt.date(2026, 3, 8)}
    )
    company.now += HOUR
    read_google()
    after = read_google.stored()
    day, hours = "2026-03-08", ("2026-03-07 23:00:00+00", "2026-03-08 22:00:00+00")
    assert [row for row in before if row[3] in hours]
    assert not [row for row in after if row[3] in hours or (row[3] == day and "channel" in row[2])]
    assert not [row for row in after if row[3] > "2026-03-06" and "Referral" in row[2]]
    assert [row for row in after if row[3] < "2026-03-05"] == [row for row in before if row[3] < "2026-03-05"]
    read_google("--from", "2026-03-04T12:00Z", "--to", "2026-03-04T13:00Z")
    assert not [row for row in read_google.stored() if row[3] == START.isoformat() and "channel" in row[2]]
    assert [row for row in read_google.stored() if row[3] == "2026-03-05" and "Referral" in row[2]]
    read_google("--reconcile")
    assert not [row for row in read_google.stored() if "Referral" in row[2]]


def test_each_run_reads_what_is_due(company, google, read_google):
    """The last four days and the open one; seven in the first run of a business day; gaps; what is asked for."""
    assert read_google(start_at="2026-02-20", lookback_days=4)[0] == 0
    assert google.days_asked() == [f"2026-02-{day}" for day in range(20, 29)] + [
        f"2026-03-{d:02}" for d in range(1, 11)
    ]
    assert read_google.reads("channels") == [
        (at("02-19 23:00"), at("03-01 23:00")),
        (at("03-01 23:00"), at("03-10 12:05")),
    ]
    assert read_google.reads("hours")[1] == (at("03-01 23:00"), at("03-10 12:00"))
    company.now += HOUR
    read_google(start_at="2026-02-20")
    days = [f"2026-03-{day:02}" for day in range(6, 11)]
    assert google.days_asked() == days
    assert google.days_asked("sessions", "dateHour") == days
    longer = {"channels": REPORTS["channels"] | {"lookback_days": 5}}
    read_google(start_at="2026-02-20", reports=longer)
    assert google.days_asked() == ["2026-03-05", *days]
    company.now = at("03-10 23:05")
    read_google(start_at="2026-02-20")
    assert google.days_asked() == [f"2026-03-{day:02}" for day in range(3, 12)]
    read_google(start_at="2026-02-20")
    assert google.days_asked() == [f"2026-03-{day:02}" for day in range(7, 12)]
    read_google("--from", "2026-02-22", "--to", "2026-02-23T12:00Z", start_at="2026-02-20")
    assert google.days_asked() == ["2026-02-22", "2026-02-23"]
    read_google(start_at="2026-02-18")
    assert google.days_asked() == ["2026-02-18", "2026-02-19", *(f"2026-03-{day:02}" for day in range(7, 12))]
    read_google(start_at="2026-02-18", keeps_days=2)
    assert google.days_asked() == ["2026-03-10", "2026-03-11"]


def test_a_first_load_is_of_ninety_days(company, google, read_google):
    google.analytics.switches.failures = iter(["", "", "tokens_per_hour"])
    read_google(reports={"users": REPORTS["users"]}, start_at=None)
    assert google.days_asked("activeUsers") == ["2025-12-10", "2025-12-11"]


@pytest.mark.parametrize(
    ("now", "day", "label_count", "hour_count"),
    [("2026-10-26 08:05", "2026-10-25", 24, 25), ("2026-03-30 08:05", "2026-03-29", 23, 23)],
)
def test_days_on_which_clocks_change(company, google, read_google, now, day, label_count, hour_count):
    """Autumn's 2 o'clock stands at the first of its hours, with the sessions of both, and says that it is nearly so."""
    company.now = dt.datetime.fromisoformat(f"{now}+00:00")
    date = dt.date.fromisoformat(day)
    code, _ = read_google(start_at=date - DAY)
    assert code == 0
    end = dt.datetime.fromisoformat(f"{date + DAY}T00:00+01:00") - (HOUR if hour_count == 23 else 0 * HOUR)
    hours = company.rows(
        "select hour_at, value, is_estimated from raw.google_analytics_hours "
        "where metric = 'website.hourly_sessions' and hour_at >= %s and hour_at < %s order by 1",
        (end - hour_count * HOUR, end),
    )
    assert len(hours) == label_count
    asked = google.ask("hours", date, date)
    assert sum(value for _, value, _ in hours) == sum(asked[cell] for cell in asked if cell[0].endswith("sessions"))
    twice = [(at("10-25 00:00"), asked["website.hourly_sessions", (), "2026102502"])] if hour_count == 25 else []
    assert [row[:2] for row in hours if row[2]] == twice
    instants = {end - number * HOUR for number in range(1, hour_count + 1)}
    assert instants - {row[0] for row in hours} == ({at("10-25 01:00")} if twice else set())
    assert read_google.held("hours").items() <= google.ask("hours", date - DAY, date + DAY).items()
    held = {(start, end) for start, end in read_google.reads("hours")}
    assert held == {(end - hour_count * HOUR - 24 * HOUR, company.now.replace(minute=0))}


def test_a_property_of_another_zone(company, google, read_google):
    """Its hours are instants; its days stand for the business days of the same date, and are nearly so."""
    google.analytics.switches = Switches(time_zone="America/New_York")
    assert read_google()[0] == 0
    # New York is at 8:05, summer time; the days of Paris are read up to 8:05 of theirs.
    assert read_google.reads("channels") == [(at("03-03 23:00"), at("03-10 07:05"))]
    assert read_google.reads("hours") == [(at("03-04 05:00"), at("03-10 12:00"))]
    last = dt.date(2026, 3, 10)
    assert read_google.held("channels") == google.ask("channels", START, last)
    hours = google.ask("hours", START, last)
    assert read_google.held("hours", "America/New_York") == {
        cell: value for cell, value in hours.items() if cell[2] < "2026031008"
    }
    assert {row[5] for row in read_google.stored() if "hours" not in row[0]} == {True}
    assert {row[5] for row in read_google.stored() if "hours" in row[0]} == {False}
    # In Paris it is the 11th, in New York the 10th still.
    company.now = at("03-11 01:05")
    read_google()
    assert google.days_asked()[-1] == "2026-03-10"
    assert read_google.reads("channels")[-1][1] == at("03-10 20:05")
    company.now = at("03-11 04:05")
    read_google()
    assert google.days_asked()[-1] == "2026-03-11"
    assert read_google.reads("channels")[-1][1] == at("03-10 23:05")


def test_a_property_that_is_ahead(company, google, read_google):
    """In Tokyo the 11th has begun, in Paris not: it is not read yet."""
    google.analytics.switches = Switches(time_zone="Asia/Tokyo")
    company.now = at("03-10 16:05")
    assert read_google()[0] == 0
    assert google.days_asked()[-1] == "2026-03-10"
    assert google.days_asked("sessions", "dateHour")[-1] == "2026-03-11"
    assert read_google.reads("channels") == [(at("03-03 23:00"), at("03-10 16:05"))]
    assert read_google.reads("hours") == [(at("03-03 15:00"), at("03-10 16:00"))]


def test_hours_at_other_minutes_are_refused_and_days_are_read(company, google, read_google):
    google.analytics.switches = Switches(time_zone="Asia/Kolkata")
    code, printed = read_google()
    assert code == 78
    assert printed == (
        'FAILED: google_analytics.hours: grain = "hour": the hours of the property (Asia/Kolkata) start at :30 UTC, '
        'those of the business_timezone Europe/Paris at :00; read it by day (grain = "day"), or set a '
        "business_timezone with the same minutes"
    )
    assert read_google.reads("hours", "true") == []
    assert read_google.held("channels") == google.ask("channels", START, dt.date(2026, 3, 10))


def test_a_slice_whose_rows_move_between_its_pages_is_read_again(company, google, read_google, monkeypatch):
    """The server sends three rows at once, whatever it is asked for, and loses one after the first page."""
    monkeypatch.setattr(demo_reports, "MOST_ROWS", 3)
    channels = {"channels": REPORTS["channels"]}
    google.analytics.switches = Switches(moves=3)
    assert read_google(reports=channels)[0] == 0
    assert google.days_asked().count("2026-03-04") == 3 * 2 + 3
    monkeypatch.setattr(demo_reports, "MOST_ROWS", 250_000)
    assert read_google.held("channels") == google.ask("channels", START, dt.date(2026, 3, 10))
    monkeypatch.setattr(demo_reports, "MOST_ROWS", 3)
    before = read_google.stored()
    google.analytics.switches = Switches(moves=4)
    company.now += HOUR
    code, printed = read_google(reports=channels)
    assert code == 3
    assert printed == (
        "FAILED: google_analytics.channels: 2026-03-06: the number of rows changed while its pages were read, 4 times; "
        "nothing of that day was read, the next run tries again"
    )
    assert read_google.stored() == before


def test_what_is_no_row_is_kept_apart_and_nothing_is_lost(company, google, read_google):
    """Every value that was sent is stored or rejected; read again, the rejects are replaced like rows."""
    google.analytics.switches = Switches(other="dateHour", as_floats=True)
    company.now = at("03-10 23:00")
    code, printed = read_google()
    assert code == 0
    assert "google_analytics.hours: 14 values are no numbers or of no hour: see raw.google_analytics_rejects" in printed
    assert "google_analytics.hours: estimated ((other))" in printed
    sent = google.ask("hours", START, dt.date(2026, 3, 10))
    for metric in REPORTS["hours"]["metrics"]:
        stored = "select value from raw.google_analytics_hours where metric = %s"
        rejected = "select value from raw.google_analytics_rejects where metric = %s"
        values = [value for (value,) in company.rows(stored, (metric,)) + company.rows(rejected, (metric,))]
        expected = [value for cell, value in sent.items() if cell[0] == metric]
        assert len(values) == len(expected) + 6  # for the whole range Google has one row "(other)", a day has its own
        assert sum(Decimal(value) for value in values) == sum(Decimal(value) for value in expected)
    assert company.rows(
        "select distinct stream, labels, reason, is_estimated from raw.google_analytics_rejects "
        "join raw.google_analytics_hours using (stream, labels)"
    ) == [("google_analytics.hours", {}, "(other) is no time of this day", True)]
    google.analytics.switches = Switches()
    read_google("--reconcile")
    assert company.value("select count(*) from raw.google_analytics_rejects") == 0
    assert not [row for row in read_google.stored() if row[5]]


@pytest.mark.parametrize("garbage", ["NaN", "-Infinity", "1e999", "12,5"])
def test_what_is_no_number_is_rejected_and_its_row_s_others_are_stored(company, google, read_google, garbage):
    google.analytics.switches = Switches(garbage=garbage)
    code, _ = read_google(reports={"users": REPORTS["users"]}, start_at="2026-03-09")
    assert code == 0
    assert company.rows("select date_day::text, day_at, metric, value, reason from raw.google_analytics_rejects") == [
        (
            f"2026-03-{day:02}",
            at(f"03-{day - 1:02} 23:00"),
            "website.active_users",
            garbage,
            f"no number, at 202603{day:02}",
        )
        for day in (9, 10)
    ]
    assert {row[1] for row in read_google.stored()} == {"website.active_users_7_days"}


@pytest.mark.parametrize(
    ("switch", "doubt"),
    [
        ({"is_sampled": True}, "sampling"),
        ({"is_thresholded": True}, "thresholding"),
        ({"is_truncated": True}, "truncation"),
        ({"other": "sessionDefaultChannelGroup"}, "(other)"),
    ],
)
def test_what_google_calls_nearly_right_is_estimated(company, google, read_google, switch, doubt):
    google.analytics.switches = Switches(**switch)
    _, printed = read_google(reports={"channels": REPORTS["channels"]}, start_at="2026-03-10")
    assert printed.endswith(f"; google_analytics.channels: estimated ({doubt})")
    stored = read_google.stored()
    assert {row[5] for row in stored} == {True}
    assert any("(other)" in row[2] for row in stored) == (doubt == "(other)")


def test_a_filter_is_sent(company, google, read_google):
    some = REPORTS["channels"] | {"filter": {"sessionDefaultChannelGroup": ["Direct", "Email"], "country": ["France"]}}
    read_google(reports={"channels": some}, start_at="2026-03-09")
    found, whole = read_google.held("channels"), google.ask("channels", dt.date(2026, 3, 9), dt.date(2026, 3, 10))
    assert {labels for _, labels, _ in found} == {("Direct",), ("Email",)}
    assert all(value <= whole[cell] for cell, value in found.items())
    assert sum(found.values()) < sum(whole.values()) / 4


def test_the_readme_shows_the_request_that_is_sent(company, google, read_google, configure):
    """That of the demo's settings, which the tests' reports are, too; and how many there are."""
    configure((ROOT / ".dlt" / "config.toml").read_text())
    company.set(
        SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT=google.endpoints["rest"],
        SOURCES__GOOGLE_ANALYTICS__START_AT="2026-03-05",
    )
    company.read("google_analytics")
    google.analytics.calls.clear()
    company.now += HOUR
    google.analytics.now = company.now
    company.read("google_analytics")
    sent = [json_format.MessageToDict(request) for _, request in google.analytics.calls]
    readme = (ROOT / "ingest" / "sources" / "google_analytics" / "README.md").read_text()
    (shown,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    assert json.loads(shown) in sent
    assert len(sent) == 16
    assert f"three reports make {len(sent)} requests a run" in " ".join(readme.split())
    asked = {tuple(metric["name"] for metric in request["metrics"]) for request in sent[1:]}
    assert asked == {tuple(report["metrics"].values()) for report in REPORTS.values()}
