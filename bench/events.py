"""A source's database with as many events as a bench wants, and two ways to read them."""

import datetime as dt

from bench.warehouse import DATABASE, Warehouse

NAME = "demo_bench_events"
# Midnight of business time: no day is open.
NOW = dt.datetime(2026, 11, 1, 23, tzinfo=dt.timezone.utc)
DDL = """
    create table event (
        id bigint primary key,
        kind text not null,
        occurred_at timestamptz not null,
        recorded_at timestamptz not null,
        user_id bigint,
        duration_ms integer,
        attributes jsonb not null
    )
"""
# Over the days before NOW, in the order of time, as they come; 27 types and users who come again.
FILL = """
    insert into event
    select
        n, 'type.' || n %% 27, at, at + interval '1 second', n * 7919 %% 10007, n * 31 %% 5000,
        jsonb_build_object('plan', 'free', 'status', 200 + n %% 5)
    from (
        select n, timestamptz %(now)s - %(days)s * interval '1 day' * (1 - n / (%(count)s + 1.0)) as at
        from generate_series(1, %(count)s::bigint) as numbers (n)
    ) as events
"""
INDEXES = """
    create index event_occurred_at on event (occurred_at);
    create index event_recorded_at on event (recorded_at);
    analyze event
"""
COPY = "create table copy (id bigint, kind text, occurred_at timestamptz, user_id bigint, duration_ms int, data jsonb)"
COLUMNS = "id, kind, occurred_at, user_id, duration_ms, attributes"


class EventsDatabase:
    """The source's database, on the server of the warehouse."""

    def __init__(self, company: Warehouse, count: int, name: str = NAME, days: int = 90):
        """Fill it with a number of events over so many days."""
        self.company, self.count, self.name = company, count, name
        company.empty(name)
        company.execute(DDL, database=name)
        company.execute(FILL, {"count": count, "now": NOW, "days": days}, name)
        company.execute(INDEXES, database=name)

    @property
    def settings(self) -> dict[str, str]:
        """The environment that turns the source on."""
        return {"SOURCES__EVENTS__ENABLED": "true", "SOURCES__EVENTS__URL": f"postgresql:///{self.name}"}

    def ingest(self) -> None:
        """Read what is due into raw, as people do."""
        self.company.module("ingest", "events", **self.settings)

    def check_ingested(self) -> None:
        """Raise BenchError where raw does not hold all events."""
        self.company.check("raw.events_events", self.count)

    def empty_copy(self) -> None:
        """Make a warehouse with an empty table for the pipe, without indexes."""
        self.company.empty()
        self.company.execute(COPY)

    def pipe(self) -> None:
        """Copy all events by psql, in COPY's text format."""
        read = self.company.psql(f"copy event ({COLUMNS}) to stdout", self.name)
        self.company.run("sh", "-c", f"{read} | {self.company.psql('copy copy from stdin', DATABASE)}")

    def check_piped(self) -> None:
        """Raise BenchError where the pipe's table does not hold all events."""
        self.company.check("copy", self.count)
