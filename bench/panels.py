"""The dashboards' statements on a long history, each timed by itself as Grafana would ask it."""

import datetime as dt
from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

from bench.demo import NOW
from bench.warehouse import Warehouse
from dashboards.check import Check, statements
from dashboards.definitions import DASHBOARDS
from dashboards.macros import expand
from ingest.reads import parse_instant

# What the demo has of 13 weeks, again and again before it: hours of the week stay what they are.
STRETCH = """
    insert into core.fct_coverage_hourly (stream, hour_at, read_at)
    select stream, hour_at - before, read_at - before
    from core.fct_coverage_hourly cross join earlier
    on conflict do nothing;
    insert into core.fct_metric_hourly (series_id, hour_at, metric, value, sample_count, origin, is_estimated, built_at)
    select series_id, hour_at - before, metric, value, sample_count, origin, is_estimated, built_at - before
    from core.fct_metric_hourly cross join earlier
    on conflict do nothing;
    insert into core.fct_metric_daily (series_id, date_day, metric, value, origin, hours_observed, hours_expected,
        sample_count, is_estimated, built_at)
    select series_id, (date_day - before)::date, metric, value, origin, hours_observed, hours_expected, sample_count,
        is_estimated, built_at - before
    from core.fct_metric_daily cross join earlier
    on conflict do nothing;
    insert into core.fct_duration_hourly (series_id, hour_at, metric, count, sum, min, max, buckets, counts, built_at)
    select series_id, hour_at - before, metric, count, sum, min, max, buckets, counts, built_at - before
    from core.fct_duration_hourly cross join earlier
    on conflict do nothing
"""
# No dashboard asks for these: they are what an index and a table have to find the others among.
OTHERS = """
    insert into core.fct_metric_hourly (series_id, hour_at, metric, value, sample_count, origin, is_estimated, built_at)
    select -number, hour_at, 'bench.other', 1, 1, 'observed', false, hour_at
    from (select distinct hour_at from core.fct_metric_hourly order by hour_at) as hours
    cross join generate_series(1, %s) as others (number)
"""
EARLIER = """
    create table earlier as
    select number * interval '91 days' as before from generate_series(1, %s) as numbers (number)
"""


class Asked(NamedTuple):
    """A statement: how long it took, where it stands, and its SQL."""

    seconds: float
    where: str
    sql: str


def stretch(company: Warehouse, times: int, others: int) -> int:
    """Put the facts of the demo before themselves so many times, and so many other series beside them.

    Returns how many hourly facts there are.
    """
    company.execute(EARLIER, (times,))
    company.execute(STRETCH)
    company.execute(OTHERS, (others,))
    company.dbt("run", "--select", "dim_hour", "dim_date")
    company.command("vacuum analyze")
    return company.rows("select count(*) from core.fct_metric_hourly")[0][0]


def asked(connection, days: int) -> list[Asked]:
    """Ask all statements of the last `days`, with each value that may be chosen, twice: the second time counts."""
    end, found = parse_instant(NOW, "NOW"), []
    for where, sql in _statements(connection, end - dt.timedelta(days=days), end):
        ask(connection, sql)
        started = perf_counter()
        ask(connection, sql)
        found.append(Asked(perf_counter() - started, where, sql))
    return sorted(found)


def ask(connection, sql: str) -> None:
    """Ask a statement, and take all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()


def _statements(connection, start: dt.datetime, end: dt.datetime) -> Iterator[tuple[str, str]]:
    check = Check(connection, end)
    for dashboard in DASHBOARDS:
        choices = check.choices(dashboard)
        for statement in statements(dashboard):
            for sql in {expand(statement.sql, start, end, choice) for choice in choices}:
                yield statement.where, sql
