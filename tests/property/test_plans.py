"""What a build reads: with one new hour, of raw and of the facts only what their indexes lead to."""

import re
from collections import Counter
from contextlib import closing

import pytest

from tests.property.compiled import DATABASES, RAW_TABLES, compile_facts
from tests.property.warehouse import Warehouse

# So many rows a day that of a day of all metrics, too, an index reads fewer: hence 40 channels.
HISTORY = """
    insert into raw.events_events (event_id, type, occurred_at, user_id, duration_ms)
    select number, 'type ' || number % 3, at, 'user ' || number % 7, number % 1000
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '60 seconds')
        with ordinality as events (at, number);
    insert into raw.website_objects (object, object_id, created_at, seen_at)
    select 'users', number, at, at
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '60 seconds')
        with ordinality as objects (at, number);
    insert into raw.website_object_counts (object, counted_at, row_count, is_reconstructed)
    select 'users', at, 1, false
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '10 minutes') as counts (at);
    insert into raw.spiders_statuses (spider_id, spider, workers, reported_at)
    select '1', 'ant', '[]', at
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '10 minutes') as reports (at);
    insert into raw.prometheus_samples (stream, metric, labels, hour_at, value, sample_count, is_estimated)
    select 'prometheus.http_requests', 'http.requests', jsonb_build_object('status', status), at, 1, 60, false
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '1 hour') as hours (at),
        generate_series(200, 215) as statuses (status);
    insert into raw.prometheus_days (stream, metric, labels, day_at, value)
    select 'prometheus.http_request_duration', 'http.request_duration', '{}', at, 1
    from generate_series(timestamptz '2026-08-25T22:00Z', '2026-10-24T22:00Z', '1 day') as days (at);
    insert into raw.google_analytics_hours (stream, metric, labels, hour_at, value, is_estimated)
    select 'google_analytics.hours', metric, '{}', at, 1, false
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '1 hour') as hours (at),
        unnest(array['website.hourly_sessions', 'website.hourly_page_views']) as metrics (metric);
    insert into raw.google_analytics_days (stream, metric, labels, date_day, value, is_estimated)
    select 'google_analytics.channels', metric, jsonb_build_object('channel', channel), at, 1, false
    from generate_series(date '2026-08-26', '2026-10-25', '1 day') as days (at),
        unnest(array['website.sessions', 'website.new_users', 'website.page_views']) as metrics (metric),
        generate_series(1, 40) as channels (channel);
    insert into raw.pipeline_samples (stream, metric, labels, hour_at, value, sample_count)
    select 'pipeline.log', metric, jsonb_build_object('stream', stream), at, 60000, 1
    from generate_series(timestamptz '2026-08-26T00:00Z', '2026-10-25T11:59Z', '1 hour') as hours (at),
        unnest(array['pipeline.landing_lag', 'pipeline.read_rows']) as metrics (metric),
        generate_series(1, 7) as streams (stream);
"""
ITS_READS = """
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
    select split_part(stream, '.', 1), stream, %s, '2026-10-25T12:00Z', '2026-10-25T12:00Z', now()
    from (select distinct stream from core.metrics where stream is not null) as streams
"""
QUERY = re.compile(
    r"\s*(?:create temporary table .*? as\s|(?=(?:insert|delete|update)\b))(.*)", re.DOTALL | re.IGNORECASE
)
LARGE = re.compile("|".join([r"core\.(fct_.*|dim_series)", *(rf"raw\.{table.name}" for table in RAW_TABLES)]))


@pytest.fixture(scope="module")
def warehouse(server, profiles):
    """Give a warehouse that has built sixty days, and then reads one hour more."""
    with closing(Warehouse(server, compile_facts(server, profiles), DATABASES[0])) as warehouse:
        warehouse.reset()
        warehouse.execute(HISTORY)
        # As ingest does after a first load.
        warehouse.execute("analyze")
        warehouse.execute(ITS_READS, ("2026-08-26T00:00Z",))
        warehouse.build()
        warehouse.execute(ITS_READS, ("2026-10-25T11:00Z",))
        warehouse.execute("vacuum analyze")
        yield warehouse
        warehouse.reset()


def test_a_build_reads_no_history(warehouse):
    """Of sixty days a day or an hour is read, some rows of it once for each metric: a fifth at most."""
    for fact, statements in warehouse.statements.items():
        for table, rows in _rows_read(warehouse, statements).items():
            there = warehouse.value(f"select count(*) from {table}")
            assert rows <= there / 5, f"{fact} reads {rows} of {there} rows of {table}"


def _rows_read(warehouse, statements) -> Counter:
    """Run a fact's transaction; returns how many rows of each large table a query of it reads at most."""
    found = Counter()
    connection = warehouse.connection("plans")
    with connection.cursor() as cursor:
        # What is cheapest of a few thousand rows is not of millions: there must be a way that reads only what it needs.
        cursor.execute("set enable_seqscan = off; set enable_mergejoin = off")
        connection.commit()
        for statement in statements:
            query = QUERY.fullmatch(statement)
            if query:
                cursor.execute("savepoint before")
                cursor.execute(f"explain (analyze, verbose, timing off, format json) {query[1]}")
                (((plan,),),) = cursor.fetchall()
                cursor.execute("rollback to before")
                found |= _rows_of(plan["Plan"])
            cursor.execute(statement)
    connection.commit()
    return found


def _rows_of(plan) -> Counter:
    found = Counter()
    dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
    for node in _nodes(plan):
        table = f"{node.get('Schema')}.{node.get('Relation Name')}"
        if LARGE.fullmatch(table) and node["Node Type"] != "ModifyTable":
            found[table] += node["Actual Loops"] * sum(node.get(name, 0) for name in ("Actual Rows", *dropped))
    return found


def _nodes(plan):
    yield plan
    for each in plan.get("Plans", []):
        yield from _nodes(each)
