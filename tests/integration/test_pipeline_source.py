"""The pipeline's own log: what failed is there as rows and as metrics, and it is kept for a set time."""

import datetime as dt

import pytest

from ingest.hours import floor_hour
from tests.facts import writes

HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
NOWHERE = "postgresql://reader@127.0.0.1:1/demo_nowhere"
FACTS = ("run", "--select", "config.incremental_strategy:replace_dirty")
SERIES = """
    select series.series, sum(facts.value)
    from core.fct_metric_hourly as facts
    inner join core.dim_series as series using (series_id)
    where series.metric like 'pipeline.%'
    group by series.series
"""


@pytest.fixture
def watched(company):
    """Give a company that watches itself, with an event; at 5 minutes past the hour of the clock on the wall."""
    company.set(SOURCES__PIPELINE__ENABLED="true")
    company.now = floor_hour(dt.datetime.now(dt.timezone.utc)) + dt.timedelta(minutes=5)
    company.add_events((1, "login", company.now - 2 * HOUR))
    return company


def test_what_failed_is_there_as_rows_and_as_metrics(watched):
    """A source and a test that failed, in the log at once, and in the facts when the hours of it were read."""
    watched.set(SOURCES__WEBSITE__URL=NOWHERE)
    assert watched.ingest()[0] == 1
    assert not watched.dbt("build", "--exclude-resource-type", "unit_test").success
    failed = watched.rows(
        "select node, resource_type, status, is_failed, message from ops.latest_nodes where is_failed"
    )
    assert failed == [("every_source_was_read", "test", "fail", True, "Got 1 result, configured to fail if != 0")]
    assert watched.rows("select found from ops.found where finding = 'failed_sources'") == [(1,)]
    built = "select status, row_count > 0 from ops.nodes where node = 'fct_metric_hourly'"
    assert watched.rows(built) == [("success", True)]
    assert watched.value("select count(*) from ops.nodes where resource_type = 'exposure'") == 0

    # The next run's hour lands 5 minutes after its end; the one after it reads of both.
    watched.now += HOUR
    watched.ingest()
    # A first run that read two periods: the past that it brought did not lag.
    watched.execute(
        """
        insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
        select 'events', 'events.others', %(end)s - interval '1 day' * days, %(end)s - interval '1 day' * (days - 1),
            %(end)s, now()
        from generate_series(1, 2) as parts (days)
        """,
        {"end": floor_hour(watched.now)},
    )
    watched.now += 2 * HOUR
    watched.read("pipeline")
    watched.dbt("build", "--exclude-resource-type", "unit_test")
    measured = dict(watched.rows(SERIES))
    assert measured["pipeline.runs{outcome=failed,source=website}"] == 2
    assert measured["pipeline.runs{outcome=ok,source=events}"] == 2
    assert measured["pipeline.dbt_nodes{resource_type=test,status=fail}"] == 1
    assert measured["pipeline.findings{finding=failed_sources}"] == 1
    assert measured["pipeline.read_rows{stream=events.events}"] == 2
    assert measured["pipeline.read_bytes{source=events}"] > 0
    assert measured["pipeline.run_seconds{source=events}"] > 0
    assert measured["pipeline.dbt_seconds{resource_type=model}"] > 0
    assert measured["pipeline.table_bytes{table=raw.reads}"] > 0
    lag = "select hours, p50_seconds, max_seconds from ops.landing_lag where stream like 'events.%' order by stream"
    assert watched.rows(lag) == [(1, 300, 300), (0, None, None)]
    assert watched.value("select is_fresh from ops.freshness where metric = 'pipeline.runs'") is True
    explained = watched.value(
        "select ops.explain('pipeline.runs', %s)::text",
        (watched.value("select max(hour_at) from core.fct_metric_hourly where metric = 'pipeline.runs'"),),
    )
    assert "raw.pipeline_samples" in explained

    # A rerun writes no fact, though the log grew by it.
    written, nodes = writes(watched), watched.value("select count(*) from ops.nodes")
    assert watched.dbt(*FACTS).success
    assert writes(watched) == written
    assert watched.value("select count(*) from ops.nodes") > nodes
    assert not watched.dbt("test", "--select", "every_source_was_read").success
    assert watched.value("select count(*) from ops.nodes where node = 'every_source_was_read'") == 3


def test_the_log_is_kept_for_a_set_time(watched):
    """Once a day what is older goes, but for what a source said last, and the reads; no metric loses its hours."""
    watched.set(SOURCES__PIPELINE__KEEPS_DAYS="10")
    watched.read()
    old, young = watched.now - 11 * DAY, watched.now - 9 * DAY
    for at in (old, young):
        watched.execute(
            """
            insert into ops.runs (source, started_at, outcome) values ('events', %(at)s, 'ok');
            insert into ops.steps (step, started_at) values ('build', %(at)s);
            insert into ops.nodes (invocation_id, node, resource_type, status, started_at, seconds)
            values ('one', 'a', 'model', 'success', %(at)s, 1);
            insert into ops.found (invocation_id, found_at, finding, found) values ('one', %(at)s, 'late_metrics', 1);
            insert into ops.google_analytics_quota (property_id, asked_at, bucket, consumed, remaining)
            values ('1', %(at)s, 'tokens_per_day', 1, 2)
            """,
            {"at": at},
        )
    watched.execute("insert into ops.runs (source, started_at, outcome) values ('gone', %s, 'ok')", (old,))
    watched.execute(
        "insert into raw.pipeline_samples (stream, metric, labels, hour_at, value, sample_count) "
        "values ('pipeline.log', 'pipeline.runs', '{}', %s, 1, 1)",
        (floor_hour(old),),
    )
    reads = watched.value("select count(*) from raw.reads")
    times = """
        select 'runs', started_at from ops.runs where outcome = 'ok' and started_at < %(at)s
        union all select 'steps', started_at from ops.steps where started_at < %(at)s
        union all select 'nodes', started_at from ops.nodes where started_at < %(at)s
        union all select 'found', found_at from ops.found where found_at < %(at)s
        union all select 'quota', asked_at from ops.google_analytics_quota where asked_at < %(at)s
    """
    before = {"at": watched.now - DAY}
    watched.read("pipeline")
    assert len(watched.rows(times, before)) == 11
    watched.now += DAY
    watched.read("pipeline")
    kept = {(name, at) for name, at in watched.rows(times, before)}
    assert kept == {(name, young) for name in ("runs", "steps", "nodes", "found", "quota")} | {("runs", old)}
    assert watched.value("select count(*) from ops.runs where source = 'gone'") == 1
    assert watched.value("select count(*) from raw.reads") > reads
    # What is no longer in the log can't be read again, and stays as it was.
    watched.read("pipeline", "--from", (old - DAY).isoformat(), "--to", (old + DAY).isoformat())
    assert watched.value("select value from raw.pipeline_samples where hour_at = %s", (floor_hour(old),)) == 1


def test_sizes_are_sampled_once_a_business_day(watched):
    watched.read("pipeline")
    watched.now += dt.timedelta(minutes=1)
    watched.read("pipeline")
    samples = "select count(distinct hour_at) from raw.pipeline_samples where metric = 'pipeline.table_bytes'"
    assert watched.value(samples) == 1
    watched.now += DAY
    watched.read("pipeline")
    assert watched.value(samples) == 2
    assert watched.value("select count(*) from raw.pipeline_samples where labels ->> 'table' = 'raw.reads'") == 2


def test_an_older_warehouse_gets_the_new_column(watched):
    watched.read("events")
    watched.execute("alter table ops.runs drop column byte_count")
    watched.read("events")
    assert watched.value("select byte_count from ops.runs order by run_id desc limit 1") > 0


def test_its_own_log_alone_is_nothing_read(watched):
    """Where each source of the business failed, the exit code says so."""
    watched.set(SOURCES__WEBSITE__URL=NOWHERE, SOURCES__EVENTS__URL=NOWHERE)
    assert watched.ingest()[0] == 3
    assert watched.ingest("pipeline")[0] == 0
