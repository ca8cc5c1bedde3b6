"""What Grafana would ask of the demo's warehouse, asked without one; and of a warehouse of 5 million rows."""

import copy
import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from dashboards import alerts, check, structure
from dashboards.definitions import DASHBOARDS, OVERVIEW
from dashboards.grafana import dashboard_json
from dashboards.macros import expand
from dashboards.panels import Dashboard, Panel
from dashboards.shared import DAYS_RANGE
from roles.readers import GRAFANA_READER
from tests.demo_warehouse import NOW, DemoWarehouse, demo_warehouse

UNTIL = dt.datetime.fromisoformat(NOW.replace("Z", "+00:00"))
# Eight years of what the demo has in 90 days; without a log, and the keys made last: 30 seconds, not 80.
HISTORY = """
    set synchronous_commit = off;
    alter table core.fct_metric_hourly set unlogged;
    alter table core.fct_coverage_hourly set unlogged;
    alter table core.fct_duration_hourly set unlogged;
    alter table core.fct_user_activity_daily set unlogged;
    alter table core.fct_metric_hourly drop constraint fct_metric_hourly_pkey;
    alter table core.fct_coverage_hourly drop constraint fct_coverage_hourly_pkey;
    alter table core.fct_user_activity_daily drop constraint fct_user_activity_daily_pkey;
    create temporary table hours as
    select at as hour_at, (at at time zone 'Europe/Paris')::date as date_day
    from generate_series(
        (select min(hour_at) from core.dim_hour) - interval '8 years',
        (select min(hour_at) from core.dim_hour) - interval '1 hour',
        interval '1 hour'
    ) as hours (at);
    insert into core.dim_hour (hour_at, date_day, local_hour, iso_weekday, is_repeated_hour)
    select hour_at, date_day, 0, 1, false from hours;
    insert into core.dim_date (date_day, starts_at, hours_in_day, iso_year, iso_week, iso_weekday)
    select date_day, min(hour_at), count(*), 2020, 1, 1 from hours
    where not exists (select from core.dim_date as dates where dates.date_day = hours.date_day)
    group by date_day;
    insert into core.fct_coverage_hourly (stream, hour_at, read_at)
    select stream, hour_at, hour_at + interval '3 days'
    from (select distinct stream from core.fct_coverage_hourly) as streams cross join hours
    order by stream, hour_at;
    insert into core.fct_metric_hourly
        (series_id, hour_at, metric, value, sample_count, origin, is_estimated, built_at)
    select series_id, hour_at, metric, 100, 5, 'observed', false, hour_at
    from core.dim_series cross join hours
    where metric not in ('events.duration', 'http.request_duration')
    order by series_id, hour_at;
    insert into core.fct_metric_daily
        (series_id, date_day, metric, value, origin, hours_observed, hours_expected, is_estimated, built_at)
    select series_id, date_day, metric, 100, 'derived', 24, 24, false, now()
    from core.dim_series cross join core.dim_date
    where metric <> 'events.duration' and date_day < '2026-08-01';
    insert into core.fct_duration_hourly
    select latest.series_id, hours.hour_at, latest.metric, count, sum, min, max, buckets, counts, built_at
    from (
        select distinct on (series_id) * from core.fct_duration_hourly order by series_id, hour_at desc
    ) as latest
    cross join hours
    order by 1, 2;
    insert into core.fct_metric_revision
        (series_id, grain, period_at, revised_at, metric, old_value, new_value, reason)
    select series_id, 'hour', hour_at, hour_at + interval '1 day', metric, value, value + 1, 'definition'
    from core.fct_metric_hourly
    where metric = 'events.count';
    insert into core.fct_user_activity_daily (user_id, date_day, type, stream, event_count)
    select 'old ' || number, date_day, 'login', 'events.events', 3
    from generate_series(1, 500) as users (number) cross join (select distinct date_day from hours) as days
    order by 1, 2;
    alter table core.fct_metric_hourly add primary key (series_id, hour_at);
    alter table core.fct_coverage_hourly add primary key (stream, hour_at);
    alter table core.fct_user_activity_daily add primary key (user_id, date_day, type);
    analyze;
"""
FACTS = (
    "fct_metric_hourly",
    "fct_metric_daily",
    "fct_duration_hourly",
    "fct_coverage_hourly",
    "fct_user_activity_daily",
    "fct_metric_revision",
)
# Without a condition on the index, the last two read all of it.
SCANS = ("Seq Scan", "Index Scan", "Index Only Scan")
BARS = next(panel for panel in OVERVIEW.panels if panel.kind == "bars")
VALUE = "case when is_complete then sign_ups end as value"
# What is changed in the SQL of a good panel, and what is said of it.
IN_SQL = {
    "unsorted": ("order by time", "order by time desc", "rows do not ascend by time"),
    "no time column": ("    time,", "    time as at,", "no column is named time"),
    "a text value": (VALUE, "sign_ups::text as value", "column value holds no numbers"),
    "two rows of one time": (
        "order by",
        "union all select now(), 1, 1, 1, 1, 1 from generate_series(1, 2) order by",
        "win",
    ),
    "a nested parenthesis": ("$__timeFilter(time)", "$__timeFilter(date_trunc('hour', time))", "first parenthesis"),
    "a misspelt macro": ("$__timeFilter", "$__timefilter", "unknown macro $__timefilter"),
    "an unknown variable": ("where", "where '' = ${metric:sqlstring} and", "there is no variable metric"),
    "an unknown column": ("target", "tarket", 'column "tarket" does not exist'),
    "no time filter": (DAYS_RANGE, "true", "it does not follow the time range"),
    "a write": ("select", "create table marts.mine as select", "cannot execute CREATE TABLE AS in a read-only"),
    "a table that is not granted": (
        "marts.mart_acquisition",
        "core.fct_metric_daily",
        "permission denied for schema core",
    ),
    "a jsonb column": (
        "    time,",
        "    time, to_jsonb(1) as more,",
        "column more has a type that Grafana does not know",
    ),
    "a timestamp without a zone": ("    time,", "    time::timestamp as time,", "is a timestamp without a zone"),
}


def overlap(overview: dict) -> None:
    overview["panels"][2]["gridPos"]["x"] -= 1


def duplicate_id(overview: dict) -> None:
    overview["panels"][2]["id"] = overview["panels"][1]["id"]


def wrong_uid(overview: dict) -> None:
    overview["panels"][1]["targets"][0]["datasource"] = {"type": "postgres", "uid": "warehouse"}


def no_unit(overview: dict) -> None:
    del overview["panels"][1]["fieldConfig"]["defaults"]["unit"]


def no_description(overview: dict) -> None:
    overview["panels"][1]["description"] = ""


IN_JSON = {
    overlap: "panels 1 and 7 overlap",
    duplicate_id: "2 panels have the id 1",
    wrong_uid: "panel 1: its data source is not business-dashboards-warehouse",
    no_unit: "panel 1: it has no unit",
    no_description: "panel 1: it has no description",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Iterator[DemoWarehouse]:
    """Give the demo, read and built, and the role that reads it."""
    with demo_warehouse(tmp_path_factory) as made:
        made.module("roles", "--readers", GRAFANA_DB_PASSWORD="word")
        yield made


def test_postgresql_knows_how_many_rows_each_seed_has(warehouse):
    """It would never look by itself at one of less than 50 rows, and would plan for 1,270."""
    seeds = warehouse.rows(
        "select relname, reltuples from pg_class where relnamespace = 'core'::regnamespace and relkind = 'r' "
        "and relname in ('metrics', 'targets', 'annotations', 'holidays')"
    )
    assert len(seeds) == 4
    assert all(rows > 0 for _, rows in seeds), seeds


@pytest.fixture
def reading(warehouse):
    """Give a connection of the role to the demo's warehouse."""
    with closing(connect(warehouse, warehouse.server.database)) as connection:
        yield connection


@pytest.fixture(scope="module")
def large(warehouse):
    """Give a connection of the role to a copy of the warehouse with 5 million rows in its facts."""
    server = warehouse.server
    admin = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    with closing(psycopg2.connect(**admin, dbname="postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute("create database large template warehouse")
    with closing(psycopg2.connect(**admin, dbname="large")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(HISTORY)
        cursor.execute(" union all ".join(f"select count(*) from core.{fact}" for fact in FACTS))
        assert sum(count for (count,) in cursor.fetchall()) >= 5_000_000
    with closing(connect(warehouse, "large")) as connection:
        yield connection


def connect(warehouse: DemoWarehouse, database: str):
    """Return a connection as Grafana makes it."""
    server = warehouse.server
    where = {"host": server.host, "port": server.port, "dbname": database}
    return psycopg2.connect(**where, user=GRAFANA_READER.name, password="word")


def of_one(panel: Panel) -> Dashboard:
    """Return the Overview with one panel only."""
    return replace(OVERVIEW, panels=(panel,), annotations=())


def test_grafana_could_show_every_dashboard(warehouse):
    """Each statement for a day, a month and a year, with single, several and all values; and each has rows, but for the
    hours of metrics that their source reports by the day."""
    printed = warehouse.module("dashboards.check", GRAFANA_DB_PASSWORD="word")
    assert "WRONG" not in printed
    by_day = {metric for (metric,) in warehouse.rows("select metric from core.dim_metric where day_from = 'source'")}
    empty = [line for line in printed.splitlines() if line.startswith("no rows: ")]
    assert [line for line in empty if not any(f"(By hour) for {metric} for" in line for metric in by_day)] == []
    assert int(printed.split(" statements", 1)[0].split()[-1]) > 4 * sum(len(one.panels) for one in DASHBOARDS)


@pytest.mark.parametrize("mistake", IN_SQL)
def test_a_mistake_in_sql_is_named(reading, mistake):
    before, after, complaint = IN_SQL[mistake]
    assert before in BARS.sql
    wrong = of_one(replace(BARS, sql=BARS.sql.replace(before, after)))
    found = check.Check(reading, UNTIL)
    found.all([wrong], [])
    assert any(line.startswith("Overview, panel 4") and complaint in line for line in found.problems), found.problems


@pytest.mark.parametrize("mistake", IN_JSON, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_json_is_named(mistake):
    overview = copy.deepcopy(dashboard_json(OVERVIEW))
    assert not list(structure.problems([overview], []))
    mistake(overview)
    assert f"Overview: {IN_JSON[mistake]}" in list(structure.problems([overview], []))


def test_no_statement_scans_a_fact(large):
    """Of millions of rows each statement reads what its time range and its metrics lead to, by an index."""
    for dashboard in DASHBOARDS:
        first, *others = check.Check(large, UNTIL).choices(dashboard)
        asked = [(first, days) for days in check.RANGES] + [(choice, max(check.RANGES)) for choice in others]
        for statement in check.statements(dashboard):
            for choice, days in asked:
                sql = expand(statement.sql, UNTIL - dt.timedelta(days=days), UNTIL, choice)
                assert not scanned(large, sql), f"{statement.where}, {days} days, {choice}"
    for rule in alerts.rules():
        assert not scanned(large, expand(rule.sql, UNTIL - rule.window, UNTIL)), rule.title


def scanned(connection, sql: str) -> set[str]:
    """Return the facts that a statement would read from their first row to their last."""
    with connection.cursor() as cursor:
        cursor.execute(f"explain (format json) {sql}")
        plan = cursor.fetchone()[0][0]["Plan"]
    connection.rollback()
    whole = (node for node in nodes(plan) if node["Node Type"] in SCANS and "Index Cond" not in node)
    return {node["Relation Name"] for node in whole} & set(FACTS)


def nodes(plan: dict) -> Iterator[dict]:
    """Give a plan's nodes."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)
