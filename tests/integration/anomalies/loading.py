"""A history put into the facts of a built, empty warehouse, as if it had been read and built."""

import io
import json
from collections.abc import Iterator

from tests.integration.anomalies.world import (
    FIRST_DAY,
    LAST_DAY,
    Planted,
    Series,
    daily_values,
    hourly_values,
    midnight,
    read_series,
)

EMPTY = """
    truncate core.metrics, core.dim_series, core.dim_hour, core.dim_date, core.fct_coverage_hourly,
        core.fct_metric_hourly, core.fct_metric_daily
"""
METRIC = """
    insert into core.metrics (metric, kind, stream, zero_fill, day_from, numerator, numerator_labels, denominator,
        denominator_labels, unit, owner, status, settle_minutes, version)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'things', 'team', 'active', 5, 1)
    on conflict do nothing
"""
# Read whole 30 minutes after its end, but what is reported by day a day later; each hour that is not planted as unread.
CALENDAR = """
    insert into core.fct_coverage_hourly (stream, hour_at, read_at)
    select stream, hour_at, hour_at + case day_from when 'hours' then interval '90 minutes' else interval '2 days' end
    from (select distinct stream, day_from from core.metrics where stream is not null) as streams
    cross join generate_series(%(first)s, %(last)s + interval '23 hours', interval '1 hour') as hours (hour_at);
    insert into core.dim_hour (hour_at, date_day, local_hour, iso_weekday, is_repeated_hour)
    select hour_at, local_at::date, extract(hour from local_at), extract(isodow from local_at), false
    from generate_series(%(first)s, %(last)s + interval '23 hours', interval '1 hour') as hours (hour_at)
    cross join lateral (select hour_at at time zone 'Europe/Paris' as local_at) as local;
    insert into core.dim_date (date_day, starts_at, hours_in_day, iso_weekday, holiday)
    select date_day, min(hour_at), count(*), min(iso_weekday), min(holiday)
    from core.dim_hour
    left join core.holidays using (date_day)
    group by date_day
"""
LOADED = """
    create temporary table loaded (
        series text, metric text, labels jsonb, hour_at timestamptz, date_day date, value float8
    ) on commit drop
"""
FACTS = """
    insert into core.dim_series (series_id, metric, labels, series)
    select row_number() over (order by series), metric, labels, series
    from (select distinct series, metric, labels from loaded) as distinct_series;
    insert into core.fct_metric_hourly (series_id, hour_at, metric, value, sample_count, origin, is_estimated, built_at)
    select series_id, hour_at, metric, value, 1, 'observed', false, now()
    from loaded
    join core.dim_series using (series, metric)
    where hour_at is not null;
    insert into core.fct_metric_daily (series_id, date_day, metric, value, origin, is_estimated, built_at)
    select series_id, date_day, metric, value, 'reported', false, now()
    from loaded
    join core.dim_series using (series, metric)
    where date_day is not null
    union all
    select series_id, dim_hour.date_day, metric,
        case kind
            when 'counter' then sum(value)
            when 'stock' then (array_agg(value order by hour_at desc))[1]
            else avg(value)
        end,
        'derived', false, now()
    from core.fct_metric_hourly
    join core.dim_hour using (hour_at)
    join core.metrics using (metric)
    group by series_id, dim_hour.date_day, metric, kind;
    analyze
"""
KINDS = {"counter": "counter", "gauge": "gauge", "stock": "stock", "pool": "stock", "days": "reported"}
PARTS = "tries"  # the metric whose series are the two sides of each ratio

Row = tuple[str, str, str, str, str, float]


def load(connection, planted: list[Planted], seed: str) -> None:
    """Replace what the warehouse holds by a history of all series with these anomalies in them."""
    series = read_series()
    with connection, connection.cursor() as cursor:
        cursor.execute(EMPTY)
        for metric in sorted({metric for each in series for metric in _metrics(each)}, key=str):
            cursor.execute(METRIC, metric)
        cursor.execute(CALENDAR, {"first": midnight(FIRST_DAY), "last": midnight(LAST_DAY)})
        cursor.execute(LOADED)
        rows = (row for each in series for row in _rows(each, planted, seed))
        lines = "\n".join("\t".join(map(str, row)) for row in rows)
        cursor.copy_expert("copy loaded from stdin", io.StringIO(lines))
        cursor.execute(FACTS)
        for each in planted:
            if each.type == "unread":
                stream = _metric(each.series)
                cursor.execute(
                    "delete from core.fct_coverage_hourly where stream = %s and hour_at = %s", (stream, each.starts_at)
                )
                cursor.execute(
                    "delete from core.fct_metric_hourly where metric = %s and hour_at = %s", (stream, each.starts_at)
                )


def _metric(name: str) -> str:
    return name.split(".")[0]


def _metrics(series: Series) -> Iterator[tuple]:
    """Yield the registry's lines for a series: metric, kind, stream, zero_fill, day_from, both sides of a ratio."""
    name = _metric(series.name)
    if series.kind == "ratio":
        side = json.dumps({"of": series.name})
        hits = json.dumps({"of": series.name, "is_hit": "true"})
        yield PARTS, "counter", PARTS, True, "hours", None, None, None, None
        yield series.name, "ratio", None, False, "hours", PARTS, hits, PARTS, side
    else:
        day_from = "source" if series.kind == "days" else "hours"
        yield name, KINDS[series.kind], name, name == "events", day_from, None, None, None, None


def _rows(series: Series, planted: list[Planted], seed: str) -> Iterator[Row]:
    """Yield a series' values: series, metric, labels, hour or none, day or none, value. Zeros are not stored."""
    mine = [each for each in planted if each.series == series.name]
    metric, labels = _metric(series.name), json.dumps({"name": series.name})
    if series.kind == "days":
        for day, value in daily_values(series, mine, seed).items():
            yield series.name, metric, labels, r"\N", day.isoformat(), value
        return
    for at, value in hourly_values(series, mine, seed).items():
        if series.kind == "ratio":
            hits, tries = value
            for is_hit, count in (("true", hits), ("false", tries - hits)):
                if count:
                    side = json.dumps({"of": series.name, "is_hit": is_hit})
                    yield f"{series.name} {is_hit}", PARTS, side, at.isoformat(), r"\N", count
        elif value[0] or series.kind != "counter":
            yield series.name, metric, labels, at.isoformat(), r"\N", value[0]
