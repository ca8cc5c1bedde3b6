"""The inputs of the job of 2018, or a multiple of them, for all five sources (docs/from-bonobo.md)."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from bench import analytics, prometheus
from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.events import NOW, EventsDatabase
from bench.warehouse import Warehouse, warehouse

OBJECTS, ROWS_AN_OBJECT = ("users", "profiles", "apikeys"), 100
TIMINGS, STATUSES = 2_039, 1
SERIES, HOURS = 2, 1_637  # 3,274 values
DAYS = 91
ROWS = len(OBJECTS) * ROWS_AN_OBJECT + TIMINGS + STATUSES + SERIES * HOURS + DAYS
METRIC = "http_requests"
REPORT = {
    "grain": "day",
    "dimensions": {"channel": "sessionDefaultChannelGroup"},
    "metrics": {"website.sessions": "sessions"},
}
WEBSITE = """
    create table {object} (id bigint primary key, user_id bigint, created_at timestamptz not null);
    insert into {object}
    select n, n, timestamptz %(now)s - n * (interval '90 days' / (%(count)s + 1))
    from generate_series(1, %(count)s) as numbers (n)
"""
SPIDERS = """
    create table spider (id bigint primary key, value text);
    insert into spider values (1, 'arachne');
    create table spider_status (spider_id bigint, attributes jsonb, created_at timestamptz not null);
    insert into spider_status
    select 1, '[{{"stage": "crawl"}}, {{}}]', timestamptz %(now)s - n * (interval '90 days' / (%(count)s + 1))
    from generate_series(1, %(count)s) as numbers (n);
    create index on spider_status (created_at)
"""


def steps(bench: str, factors: Sequence[int], bars: Sequence[Bar], scale: Scale) -> Iterator[Comparison]:
    """Yield a comparison of each multiple of the inputs with the one before, by the time for each row."""
    if scale.is_small:
        factors = (1, 2)
    for fewer, more in pairwise(factors):
        with (
            warehouse() as company,
            _job(company, fewer, scale) as (small, small_pid),
            _job(company, more, scale) as (large, large_pid),
        ):
            # The first run of dbt parses all models: not one side's cost.
            company.dbt("parse")
            yield compare(bench, company.meter([small_pid, large_pid]), large, small, bars, scale)


@contextmanager
def _job(company: Warehouse, factor: int, scale: Scale) -> Iterator[tuple[Side, int]]:
    """Give the work of reading and building so many times the inputs, and the pid of its Prometheus.

    The databases are on the warehouse's server, the analytics in this process.
    """
    models = "metrics" if scale.is_small else "+core"
    with (
        prometheus.serve(company.folder / f"prometheus_{factor}", _samples(SERIES * factor)) as server,
        analytics.serve(NOW, factor) as url,
    ):
        events = EventsDatabase(company, TIMINGS * factor, f"demo_bench_events_{factor}")
        first_day = (NOW + dt.timedelta(hours=1)).date() - dt.timedelta(days=DAYS)
        variables = {
            "WAREHOUSE_NOW": NOW.isoformat(),
            **events.settings,
            **_website(company, factor),
            **_spiders(company, factor),
            **_prometheus(server.url, factor),
            **analytics.settings(url, first_day, REPORT),
        }

        def read_and_build() -> None:
            company.module("ingest", **variables)
            company.dbt("build", "--exclude-resource-type", "unit_test", "--select", models, **variables)

        def check() -> None:
            company.check("raw.events_events", TIMINGS * factor)
            company.check("raw.prometheus_samples", SERIES * HOURS * factor)
            company.check("raw.google_analytics_days", DAYS * factor)
            if not scale.is_small:
                company.check("core.fct_metric_hourly where metric = 'http.requests'", SERIES * HOURS * factor)

        name = f"the job of 2018, {factor:,} times its inputs: python -m ingest, dbt build of the facts"
        yield Side(name, read_and_build, company.empty, check, ROWS * factor), server.pid


def _website(company: Warehouse, factor: int) -> dict[str, str]:
    name = f"demo_bench_website_{factor}"
    company.empty(name)
    for each in OBJECTS:
        company.execute(WEBSITE.format(object=each), {"now": NOW, "count": ROWS_AN_OBJECT * factor}, name)
    objects = json.dumps({each: {"table": each} for each in OBJECTS})
    return _on("website", url=f"postgresql:///{name}", objects=objects)


def _spiders(company: Warehouse, factor: int) -> dict[str, str]:
    name = f"demo_bench_spiders_{factor}"
    company.empty(name)
    company.execute(SPIDERS.format(), {"now": NOW, "count": STATUSES * factor}, name)
    return _on("spiders", url=f"postgresql:///{name}")


def _prometheus(url: str, factor: int) -> dict[str, str]:
    query = {"metric": "http.requests", "expr": METRIC, "value": "last", "labels": ["status"], "across": "sum"}
    queries = json.dumps({"http_requests": query | {"max_series": SERIES * factor}})
    start_at = (NOW - dt.timedelta(hours=HOURS)).isoformat()
    return _on("prometheus", url=url, queries=queries, start_at=start_at, keeps_days="400", settle_minutes="0")


def _samples(series: int) -> Iterator[str]:
    """Yield a sample in the middle of each hour."""
    yield f"# TYPE {METRIC} gauge\n"
    first = int(NOW.timestamp()) - HOURS * 3600 + 1800
    for status in range(series):
        for number in range(HOURS):
            yield f'{METRIC}{{status="{status}"}} {number % 97 + status} {first + number * 3600}\n'


def _on(source: str, **settings: str) -> dict[str, str]:
    """Return the environment that turns a source on."""
    return {f"SOURCES__{source}__{name}".upper(): value for name, value in {"enabled": "true", **settings}.items()}
