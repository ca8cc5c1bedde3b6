"""`mf query` says what mart_daily says, for each kind of metric that MetricFlow can express."""

import csv
import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.semantic_models import registry, semantic_models
from tests.conftest import SPIDERS, WEBSITE

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
BUSY = """\
spiders.busy,Busy,Busy,ratio,ratio,,,up,x,active,false,false,hours,none,3,120,spiders.active,,spiders.total,,,1
"""
COMPLETE = "{{ Dimension('series_day__is_complete') }}"
# mf asks a package registry at each start whether there is a newer one; here nobody answers.
NO_INTERNET = {"HTTPS_PROXY": "http://127.0.0.1:9"}
MEASURED = ("events.count", "objects.created", "objects.count", "spiders.active", "spiders.total")
STOCKS = ("objects.count", "spiders.active", "spiders.total")
RATIOS = ("events.crawl_failure_ratio", "spiders.busy")
BY_DAY = "select date_day::text, series, metric, value from marts.mart_daily where metric = any(%s)"
BY_COMPLETE_DAY = "select date_day::text, metric, value from marts.mart_daily where metric = any(%s) and is_complete"
# What a week is by the kinds' rules: a counter's sum, the last day of each series of a stock.
BY_WEEK = """
    select date_trunc('week', date_day)::date::text, metric, sum(value)
    from (
        select *, max(date_day) over (partition by series_id, date_trunc('week', date_day)) as last_day
        from marts.mart_daily
        where metric = any(%s)
    ) as days
    where metric <> all(%s) or date_day = last_day
    group by 1, 2
"""
FAILED_BY_WEEK = """
    select date_trunc('week', date_day)::date::text,
        coalesce(sum(value) filter (where labels ->> 'type' = 'crawl.failed'), 0) / sum(value)
    from marts.mart_daily
    where metric = 'events.count' and labels ->> 'type' like 'crawl.%%'
    group by 1
"""


class MetricFlow:
    """The command mf, in a project of a test's own."""

    def __init__(self, project: Path):
        self.project = project

    def run(self, *arguments: str) -> str:
        """Return what mf printed; fails with it where mf does."""
        done = subprocess.run(
            [Path(sys.executable).with_name("mf"), *arguments],
            cwd=self.project,
            env=os.environ | NO_INTERNET,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def query(self, metrics: tuple[str, ...], *group_by: str, where: str = "true") -> dict[tuple, float]:
        """Return the values that are not null, by the values of group_by and the metric."""
        names = {metric.replace(".", "_"): metric for metric in metrics}
        file = self.project / "answer.csv"
        asked = ("--metrics", ",".join(names), "--group-by", ",".join(group_by), "--where", where)
        self.run("query", *asked, "--csv", str(file))
        with file.open() as opened:
            rows = list(csv.DictReader(opened))
        return {
            (*(row[key] if "series" in key else row[key][:10] for key in group_by), metric): float(row[name])
            for row in rows
            for name, metric in names.items()
            if row[name]
        }


@pytest.fixture
def built(company, project):
    """Give a company of ten days, in a project with one more ratio, read and built on Wednesday of its second week."""
    company.set(SOURCES__EVENTS__START_AT="2026-03-01T23:00Z", SOURCES__SPIDERS__START_AT="2026-03-01T23:00Z")
    company.add_spiders()
    for number, days in enumerate((0, 0, 1, 6, 7, 8)):
        at = MONDAY + days * DAY
        company.execute("insert into apercite_account_user (id, created_at) values (%s, %s)", (number, at), WEBSITE)
    # No crawl fails on the first two days, none is there at all on the third.
    crawls = {0: (0, 4), 1: (0, 2), 3: (1, 2), 4: (2, 2), 7: (1, 3), 8: (0, 5)}
    kinds = [
        (day, kind)
        for day, of_day in crawls.items()
        for kind, count in zip(("failed", "finished"), of_day, strict=True)
        for _ in range(count)
    ]
    company.add_events(*((n, f"crawl.{kind}", MONDAY + day * DAY) for n, (day, kind) in enumerate(kinds)))
    company.execute("insert into spider values (1, 'arachne'), (2, 'shelob')", database=SPIDERS)
    reports = "insert into spider_status values (%s, %s, %s)"
    workers = '[{"stage": "crawl"}, {"pid": 7}, {"pid": 8}]', '[{"stage": "crawl"}, {"stage": "crawl"}]'
    for day in range(9):
        for spider in (1, 2) if day < 5 else (1,):
            at = MONDAY + day * DAY + HOUR * spider + dt.timedelta(minutes=55)
            company.execute(reports, (spider, workers[(day + spider) % 2], at), SPIDERS)
    company.now = MONDAY + 9 * DAY + dt.timedelta(minutes=5)
    company.read()
    seed = project / "seeds" / "metrics.csv"
    seed.write_text(seed.read_text() + BUSY)
    made = project / "models" / "marts" / "_registry__semantic_models.yml"
    made.write_text(semantic_models(registry(seed)))
    company.set(DBT_WRITE_JSON="true")  # where MetricFlow reads the metrics
    result = company.dbt("build", "--exclude-resource-type", "unit_test", project=project)
    assert result.success, company.capfd.readouterr().out
    return company


def close(values: dict[tuple, float]) -> dict[tuple, float]:
    return pytest.approx(values, rel=1e-12)


def test_each_kind_that_it_can_express_equals_mart_daily(built, project):
    """One build for all of them: it is what costs."""
    mf = MetricFlow(project)
    checked = re.findall(r"ERRORS: \d+, FUTURE_ERRORS: \d+, WARNINGS: \d+", mf.run("validate-configs", "--show-all"))
    assert len(checked) > 4
    assert set(checked) == {"ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0"}

    found = mf.query(MEASURED, "metric_time__day", "series_day__series")
    expected = {tuple(row): value for *row, value in built.rows(BY_DAY, [list(MEASURED)])}
    assert found == close(expected)
    assert {metric for _, _, metric in expected} == set(MEASURED)

    found = mf.query(RATIOS, "metric_time__day", where=COMPLETE)
    days = {tuple(row): value for *row, value in built.rows(BY_COMPLETE_DAY, [list(RATIOS)])}
    assert found == close(days)
    assert days["2026-03-02", "events.crawl_failure_ratio"] == 0
    assert ("2026-03-04", "events.crawl_failure_ratio") not in days

    found = mf.query((*MEASURED, "events.crawl_failure_ratio"), "metric_time__week")
    weeks = {tuple(row): value for *row, value in built.rows(BY_WEEK, [list(MEASURED), list(STOCKS)])}
    failed = {(week, "events.crawl_failure_ratio"): value for week, value in built.rows(FAILED_BY_WEEK, [])}
    assert found == close(weeks | failed)
    assert {week for week, _ in failed} == {"2026-03-02", "2026-03-09"}
