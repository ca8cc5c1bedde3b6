"""Days of events, read and built, and ways to have some of it or all built again by a warm loop."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.events import NOW, EventsDatabase
from bench.loop import Loop, loop
from bench.warehouse import Warehouse, warehouse

LOSE_FACTS = """
    drop table core.dim_series, core.fct_metric_hourly, core.fct_metric_daily, core.fct_duration_hourly,
        core.fct_coverage_hourly, core.fct_user_activity_daily cascade;
    delete from ops.built_project
"""
# Another type for each event of a day: all its hours change.
CHANGE = """
    update event set kind = 'type.' || (substr(kind, 6)::int + 1) %% 27
    where occurred_at >= %(end)s::timestamptz - interval '1 day' and occurred_at < %(end)s
"""
READS = """
    delete from raw.reads where stream = 'events.events';
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at, row_count)
    select 'events', 'events.events', start_at, start_at + %(hours)s * interval '1 hour', %(now)s, %(now)s, 0
    from generate_series(
        %(now)s - %(days)s * interval '1 day', %(now)s - interval '1 hour', %(hours)s * interval '1 hour'
    ) as periods (start_at)
"""


@dataclass
class Rebuilds:
    """The warehouse, its source, and the loop that builds."""

    company: Warehouse
    events: EventsDatabase
    ticks: Loop
    days: int

    def build(self) -> None:
        """Build what is to be built."""
        self.ticks.tick("build")

    def change_a_day(self) -> None:
        """Change a day in the middle of all at the source, and read it again."""
        end = NOW - dt.timedelta(days=self.days // 2)
        self.company.execute(CHANGE, {"end": end}, self.events.name)
        period = ("--from", (end - dt.timedelta(days=1)).isoformat(), "--to", end.isoformat())
        self.company.module("ingest", "events", *period)

    def lose_facts(self) -> None:
        """Drop all facts, so that the next build makes them of raw."""
        self.company.execute(LOSE_FACTS)

    def lose_facts_read_by(self, hours: int) -> None:
        """Drop all facts, and let the log say that raw was read so many hours at a time."""
        self.lose_facts()
        self.company.execute(READS, {"now": NOW, "days": self.days, "hours": hours})


@contextmanager
def rebuilds(count: int, days: int) -> Iterator[Rebuilds]:
    """Give a warehouse with so many events over so many days, built once."""
    with warehouse(WAREHOUSE_NOW=NOW.isoformat()) as company:
        events = EventsDatabase(company, count, days=days)
        company.environment |= events.settings
        events.ingest()
        with loop(company) as ticks:
            ticks.tick("build")
            yield Rebuilds(company, events, ticks, days)
