"""A metric that becomes another one is built anew, with the reason; never a silent mix of two rules."""

import datetime as dt
import re

import pytest

from tests.conftest import BUILD_FACTS

HOUR = dt.timedelta(hours=1)
LINE = "events.count,Events"


@pytest.fixture
def built(company, project):
    """Give a company with two days of events, and a function that builds the project with a text replaced."""
    company.add_events(*((number, "login", company.now - number * HOUR) for number in range(1, 49)))
    company.read()

    def build(*edits: tuple[str, str, str]) -> tuple[bool, str]:
        for name, old, new in edits:
            path = project / name
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
        company.capfd.readouterr()
        result = company.dbt(*BUILD_FACTS, "+every_metric_is_fed", project=project)
        return result.success, company.capfd.readouterr().out

    assert build()[0]
    return company, build


def revisions(company) -> dict[tuple[str, str], int]:
    query = "select grain, reason, count(*) from core.fct_metric_revision group by 1, 2"
    return {(grain, reason): number for grain, reason, number in company.rows(query)}


def test_a_raised_version_and_an_equal_rule_write_nothing(built):
    company, build = built
    before = company.rows("select * from core.fct_metric_hourly order by 1, 2")
    assert build(("seeds/metrics.csv", "events.{type}.count,1", "events.{type}.count,2"))[0] is True
    assert company.rows("select * from core.fct_metric_hourly order by 1, 2") == before
    assert revisions(company) == {}


def test_a_changed_kind_rebuilds_days_with_the_reason_definition(built):
    """As a stock a day of events is its last hour: 1 in place of 24."""
    company, build = built
    days = "select value from core.fct_metric_daily where metric = 'events.count' order by date_day"
    assert [value for (value,) in company.rows(days)] == [11, 24, 13]
    edit = (
        "seeds/metrics.csv",
        "occurred,events,counter,events.events,activation,up,product,active,false,true",
        "occurred,events,stock,events.events,activation,up,product,active,false,false",
    )
    ok, printed = build(edit)
    assert ok, printed
    assert [value for (value,) in company.rows(days)] == [1, 1, 1]
    assert revisions(company) == {("day", "definition"): 1}  # of the three days one was complete


def test_labels_of_events_that_change_rebuild_the_series(built):
    """Each key more in event_labels is another split of the same events."""
    company, build = built
    company.execute('update raw.events_events set attributes = \'{"plan": "pro"}\'')
    ok, printed = build(("dbt_project.yml", "event_labels: []", "event_labels: [plan]"))
    assert ok, printed
    found = company.rows("select distinct series from marts.mart_hourly where metric = 'events.count' and value > 0")
    assert found == [("events.count{plan=pro,type=login}",)]


def test_a_changed_zone_moves_days_and_no_hour(built):
    company, build = built
    hours = company.rows("select series_id, hour_at, value, built_at from core.fct_metric_hourly order by 1, 2")
    ok, printed = build(("dbt_project.yml", "business_timezone: Europe/Paris", "business_timezone: America/New_York"))
    assert ok, printed
    assert company.rows("select series_id, hour_at, value, built_at from core.fct_metric_hourly order by 1, 2") == hours
    by_hand = company.rows(
        "select (occurred_at at time zone 'America/New_York')::date, count(*)::float8 "
        "from raw.events_events group by 1 order by 1"
    )
    days = "select date_day, value from core.fct_metric_daily where metric = 'events.count' order by 1"
    assert company.rows(days) == by_hand
    local = "select count(*) from core.dim_hour where date_day <> (hour_at at time zone 'America/New_York')::date"
    assert company.value(local) == 0


def test_a_stream_that_brings_the_metric_nothing_is_named(built):
    """Another metric's: the values vanish, and the build says so."""
    company, build = built
    ok, printed = build(("seeds/metrics.csv", "events,counter,events.events,", "events,counter,website.objects,"))
    assert ok, printed
    assert re.search(r"WARN \d+ every_metric_is_fed", printed)
    assert ("events.count", "website.objects", True) in company.rows("select * from ops.unfed_metrics")


def test_a_stream_that_was_never_read_takes_no_value_away(built):
    """Misspelt: the line is refused, and what was built stays."""
    company, build = built
    before = company.rows("select * from core.fct_metric_hourly order by 1, 2")
    ok, printed = build(("seeds/metrics.csv", "events,counter,events.events,", "events,counter,events.evnts,"))
    assert not ok
    assert (
        "seeds/metrics.csv: events.count: has values of stream events.events, and none was ever read of events.evnts"
        in printed
    )
    assert company.rows("select * from core.fct_metric_hourly order by 1, 2") == before
    assert build(("seeds/metrics.csv", "events,counter,events.evnts,", "events,counter,events.events,"))[0]
    assert revisions(company) == {}


def test_a_zone_whose_hours_do_not_fit_is_refused(built, subtests):
    """Mars and Lord Howe for ever, India for a warehouse that counts whole UTC hours: nothing is built."""
    company, build = built
    before = company.rows("select * from core.fct_metric_daily order by 1, 2")
    zone = "Europe/Paris"
    for other in ("Australia/Lord_Howe", "Asia/Kolkata", "Mars/Base"):
        with subtests.test(other):
            ok, printed = build(("dbt_project.yml", f"business_timezone: {zone}", f"business_timezone: {other}"))
            zone = other
            assert not ok
            assert zone in printed
            assert company.rows("select * from core.fct_metric_daily order by 1, 2") == before
