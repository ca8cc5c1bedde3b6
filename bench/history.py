"""A warehouse with a long history of many series, put there by SQL as if each hour had been read in its time."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench.loop import Loop, loop
from bench.warehouse import Warehouse

# By the clock on the wall: a fixed one is in the text of views, and a tick would build them anew.
DDL = """
    create table event (
        id bigint generated always as identity primary key,
        kind text not null,
        occurred_at timestamptz not null,
        recorded_at timestamptz not null default now(),
        user_id bigint,
        duration_ms integer,
        attributes jsonb not null default '{}'
    );
    create index event_occurred_at on event (occurred_at);
    create index event_recorded_at on event (recorded_at)
"""
# An hour of events: each type twice, in the last hour that is over.
HOUR = """
    insert into event (kind, occurred_at, recorded_at, user_id)
    select 'type.' || number %% %(series)s,
        date_trunc('hour', now()) - interval '1 hour' + (number %% 3600) * interval '1 second', now(), number %% 200
    from generate_series(1, 2 * %(series)s) as numbers (number)
"""
# Oldest first, as hours come: a table's pages lie in the order of time. The one read of all that time, with which
# ingest began, is put two days back: what was read today is looked at hour by hour.
FACTS = """
    create temporary table hours as
    select hour_at, (hour_at at time zone 'Europe/Paris')::date as date_day
    from generate_series(
        date_trunc('hour', now()) - %(hours)s * interval '1 hour', date_trunc('hour', now()) - interval '3 hours',
        interval '1 hour'
    ) as hours (hour_at);
    create temporary table streams as select distinct stream from core.metrics where stream is not null;
    insert into core.fct_metric_hourly (series_id, hour_at, metric, value, sample_count, origin, is_estimated, built_at)
    select series_id, hour_at, metric, 2 + abs(hashint8(series_id + extract(epoch from hour_at)::bigint)) %% 9, 2,
        'observed', false, hour_at + interval '65 minutes'
    from hours
    cross join core.dim_series
    where metric = 'events.count'
    on conflict do nothing;
    insert into core.fct_metric_daily (series_id, date_day, metric, value, origin, hours_observed, hours_expected,
        sample_count, is_estimated, built_at)
    select series_id, date_day, metric, sum(value), 'derived', count(*), 24, sum(sample_count), false, max(built_at)
    from hours
    inner join core.fct_metric_hourly using (hour_at)
    where date_day < (now() at time zone 'Europe/Paris')::date - 1
    group by series_id, date_day, metric
    order by date_day
    on conflict do nothing;
    insert into core.fct_coverage_hourly (stream, hour_at, read_at)
    select stream, hour_at, hour_at + interval '65 minutes' from hours cross join streams
    on conflict do nothing;
    insert into core.fct_user_activity_daily (user_id, date_day, type, stream, event_count)
    select user_id::text, date_day, 'type.1', 'events.events', 3
    from (select distinct date_day from hours) as days
    cross join generate_series(date_day - date '2020-01-01', date_day - date '2020-01-01' + 199) as users (user_id)
    on conflict do nothing;
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at, row_count)
    select split_part(stream, '.', 1), stream, hour_at, hour_at + interval '1 hour', hour_at + interval '65 minutes',
        hour_at + interval '66 minutes', 0
    from hours cross join streams
    order by hour_at;
    update raw.reads set finished_at = finished_at - interval '2 days'
    where period_end > period_start + interval '1 hour';
    insert into ops.built_reads (fact, read_id, built_at)
    select fact, read_id, finished_at
    from (select distinct fact from ops.built_definitions) as facts
    cross join raw.reads
    on conflict do nothing
"""


class History:
    """A database on a server: so many days of hours of so many series, and a loop of ticks that is warm on it."""

    def __init__(self, company: Warehouse, ticks: Loop, days: int, series: int):
        """Fill it: from an hour that was read and built on, by SQL."""
        self.company, self._ticks, self._series = company, ticks, series
        self.come()
        ticks.tick("ingest", "build")
        company.execute(FACTS, {"hours": 24 * days}, self.database)
        company.command("vacuum analyze", self.database)
        company.command("checkpoint", self.database)
        # The first builds the views anew, since another day may have begun; the second is warm.
        for _ in range(2):
            self.tick()

    @property
    def database(self) -> str:
        """The name of its database."""
        return self.company.environment["WAREHOUSE_DATABASE"]

    @property
    def facts(self) -> int:
        """How many hourly facts it holds."""
        return self.company.rows("select count(*) from core.fct_metric_hourly", database=self.database)[0][0]

    def come(self) -> None:
        """Let an hour's events come into the source, of all series."""
        self.company.execute(HOUR, {"series": self._series}, self.company.environment["SOURCE"])

    def tick(self) -> None:
        """Tick, without the site."""
        self._ticks.tick("ingest", "build", "freshness", "notify")


@contextmanager
def history(server: Warehouse, days: int, series: int) -> Iterator[History]:
    """Give a history in a database of its own on a server."""
    source, folder = f"demo_bench_history_{days}", server.folder / f"history_{days}"
    folder.mkdir()
    settings = {
        "WAREHOUSE_DATABASE": f"history_{days}",
        "SOURCE": source,
        "SOURCES__EVENTS__ENABLED": "true",
        "SOURCES__EVENTS__URL": f"postgresql:///{source}",
        "SOURCES__EVENTS__START_AT": (dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=days)).isoformat(),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    company = replace(server, folder=folder, environment=server.environment | settings)
    for database in (settings["WAREHOUSE_DATABASE"], source):
        company.empty(database)
    company.execute(DDL, database=source)
    with loop(company) as ticks:
        yield History(company, ticks, days, series)
