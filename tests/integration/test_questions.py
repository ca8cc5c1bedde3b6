"""One mart a question: a small company through ingest and dbt, and its numbers worked out by hand beside them."""

import datetime as dt

import pytest

from tests.conftest import EVENTS, WEBSITE

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=UTC)
TARGETS = """metric,labels,grain,statistic,target,window_days,valid_from
events.crawl_failure_ratio,,hour,,0.5,7,2026-01-01
objects.created,"{""object"": ""users""}",day,,2,7,2026-01-01
objects.created,"{""object"": ""users""}",day,,3,7,2026-03-09
"""

WRONG = (
    ("no.such,,day,,1,7,2026-01-01", "no.such day: metric is none of the registry"),
    ("http.error_ratio,,week,,0.1,7,2026-01-01", "http.error_ratio week: grain is neither hour nor day"),
    ("http.error_ratio,,day,,1.5,7,2026-01-01", "http.error_ratio day: the target of a ratio is 0 to 1"),
    ("http.error_ratio,,day,p95,0.1,7,2026-01-01", "http.error_ratio day: only a duration has a statistic"),
    ("events.duration,,day,,10,7,2026-01-01", "events.duration day: the statistic of a duration is p50, p95 or p99"),
    ("http.requests,,day,,10,0,2026-01-01", "http.requests day: window_days is not 1 to 366"),
    ("http.requests,,day,,10,7,", "http.requests day: valid_from is empty"),
    ("http.requests,,day,,,7,2026-01-01", "http.requests day: target is no number"),
    ("http.requests,[],day,,1,7,2026-01-01", "http.requests [] day: labels is no JSON object"),
    ("http.requests,,hour,,1,7,2026-01-01\nhttp.requests,,hour,,2,7,2026-01-01", "http.requests hour: stands 2 times"),
)


@pytest.fixture
def asked(company, project):
    """Give a company of five users, with keys, events and targets, read and built on Wednesday of its second week."""
    company.set(SOURCES__EVENTS__START_AT="2026-03-01T23:00Z")
    for number, at in enumerate((MONDAY - 3 * DAY, MONDAY, MONDAY + HOUR, MONDAY + 7 * DAY, MONDAY + 8 * DAY)):
        company.execute("insert into apercite_account_user (id, created_at) values (%s, %s)", (number, at), WEBSITE)
    keys = "insert into apercite_account_apikey (id, user_id, created_at) values (%s, %s, %s)"
    for row in ((1, 1, MONDAY + HOUR), (2, 1, MONDAY + 3 * DAY), (3, 2, MONDAY + 5 * DAY), (4, 3, MONDAY + 7 * DAY)):
        company.execute(keys, row, WEBSITE)
    events = "insert into event (id, kind, occurred_at, user_id, duration_ms) values (%s, %s, %s, %s, %s)"
    for row in (
        (1, "login", MONDAY, 1, 10),
        (2, "login", MONDAY + DAY, 2, 10),
        (3, "login", MONDAY + 7 * DAY, 1, 1000),
        (4, "crawl.failed", MONDAY + 7 * DAY, None, None),
        (5, "crawl.finished", MONDAY + 7 * DAY, None, 10),
        (6, "crawl.finished", MONDAY + 7 * DAY, None, 10),
        (7, "crawl.finished", MONDAY + 7 * DAY + HOUR, None, 10),
    ):
        company.execute(events, row, EVENTS)
    company.now = MONDAY + 9 * DAY + dt.timedelta(minutes=5)
    company.read()
    (project / "seeds" / "targets.csv").write_text(TARGETS)
    result = company.dbt("build", "--exclude-resource-type", "unit_test", project=project)
    assert result.success, company.capfd.readouterr().out
    return company


def test_each_mart_answers_its_question(asked):
    """One build for all of them: it is what costs."""
    # The first day, the Friday before, was not read whole: it is nobody's week before.
    assert asked.rows(
        "select date_day::text, sign_ups, sign_ups_week_before, change from marts.mart_acquisition "
        "where date_day >= '2026-03-02' order by 1"
    ) == [
        ("2026-03-02", 2, None, None),
        *((f"2026-03-0{day}", 0, None, None) for day in range(3, 7)),
        ("2026-03-07", 0, 0, None),
        ("2026-03-08", 0, 0, None),
        ("2026-03-09", 1, 2, -0.5),
        ("2026-03-10", 1, 0, None),
        ("2026-03-11", 0, 0, None),
    ]
    assert asked.rows(
        "select date_day::text, sign_ups, share_1_day, share_7_days, share_30_days from marts.mart_activation "
        "where date_day >= '2026-03-02' order by 1"
    ) == [("2026-03-02", 2, 0.5, 1, None), ("2026-03-09", 1, 1, None, None), ("2026-03-10", 1, None, None, None)]
    assert asked.rows(
        "select cohort_week::text, week_number, cohort_users, share_active from marts.mart_retention "
        "where week_number < 2 order by 1, 2"
    ) == [("2026-03-02", 0, 2, 1), ("2026-03-02", 1, 2, None)]
    assert asked.value("select count(*) from marts.mart_retention") == 13

    # Without Google Analytics: what was not measured is null, and says so.
    assert asked.rows(
        "select week::text, stage, value, rate, is_complete, flags, note is null "
        "from marts.mart_pirate_metrics where week >= '2026-03-02' order by week, stage_number"
    ) == [
        ("2026-03-02", "acquisition", None, None, False, [], False),
        ("2026-03-02", "activation", 2, None, True, ["estimated"], True),
        ("2026-03-02", "retention", None, None, False, [], False),
        ("2026-03-02", "referral", None, None, False, [], False),
        ("2026-03-02", "revenue", None, None, False, [], False),
        ("2026-03-09", "acquisition", None, None, False, [], False),
        ("2026-03-09", "activation", None, None, False, ["open", "estimated"], False),
        ("2026-03-09", "retention", None, None, False, ["open"], False),
        ("2026-03-09", "referral", None, None, False, [], False),
        ("2026-03-09", "revenue", None, None, False, [], False),
    ]
    assert asked.rows("select distinct sessions, visitors, is_visits_complete from marts.mart_acquisition") == [
        (None, None, False)
    ]
    assert asked.rows(
        "select date_day::text, sign_up_to_activation from marts.mart_acquisition where sign_ups > 0 order by 1"
    ) == [("2026-02-27", None), ("2026-03-02", 1), ("2026-03-09", None), ("2026-03-10", None)]

    percentiles = asked.rows(
        "select statistic, value from marts.mart_quality_of_service_daily "
        "where metric = 'events.duration' and date_day = '2026-03-09'"
    )
    assert dict(percentiles) == pytest.approx({"p50": 10, "p95": 1000, "p99": 1000}, rel=0.01)
    assert asked.rows(
        "select complete_periods, on_target_share, ratio, burn_rate from marts.mart_targets "
        "where metric = 'events.crawl_failure_ratio'"
    ) == [(2, 1, 0.25, 0.5)]
    assert asked.rows(
        "select date_day::text, target from marts.mart_daily where series = 'objects.created{object=users}' "
        "and date_day >= '2026-03-08' order by 1"
    ) == [("2026-03-08", 2), ("2026-03-09", 3), ("2026-03-10", 3), ("2026-03-11", 3)]
    assert asked.rows(
        "select complete_periods, measured_share, on_target_share from marts.mart_targets where grain = 'day'"
    ) == [(2, 2 / 7, 0)]
    assert asked.rows(
        "select date_day::text, value, target, is_on_target from marts.mart_targets_daily "
        "where date_day = '2026-03-02' or date_day > '2026-03-07' order by 1"
    ) == [
        ("2026-03-02", 2, 2, True),
        ("2026-03-08", 0, 2, False),
        ("2026-03-09", 1, 3, False),
        ("2026-03-10", 1, 3, False),
    ]
    assert asked.rows("select series, value, is_alarming from marts.mart_targets_latest order by 1") == [
        ("events.crawl_failure_ratio", 0, False),
        ("objects.created{object=users}", 1, True),
    ]
    assert asked.value("select count(*) from marts.mart_anomalies_latest") == 0

    shown = "select count(*), count(distinct metric), min(metric), max(date_day)::text from marts.mart_public"
    assert asked.rows(shown)[0][1:] == (1, "objects.count", "2026-03-10")


def test_targets_that_mean_nothing_are_named(company, project):
    """All of them at once, each with its reason, before a view shows any."""
    company.read()
    lines = [line for line, _ in WRONG]
    (project / "seeds" / "targets.csv").write_text(TARGETS + "\n".join(lines) + "\n")
    company.capfd.readouterr()
    assert not company.dbt("build", "-s", "metrics", "targets", "dim_metric", "dim_target", project=project).success
    printed = company.capfd.readouterr().out
    for _, problem in WRONG:
        assert f"seeds/targets.csv: {problem}" in printed
