"""The first load of 2,000,000 events, from the source's database to raw, against a pipe of two psql's COPY."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.events import NOW, EventsDatabase
from bench.warehouse import warehouse

BARS = (Bar("wall x", 1.5, 1.3), Bar("CPU x", 1.5, 1.3), Bar("MiB", 100))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    count = 1_000 if scale.is_small else 2_000_000
    with warehouse(WAREHOUSE_NOW=NOW.isoformat()) as company:
        events = EventsDatabase(company, count)
        name = f"python -m ingest events: {count:,} events"
        ours = Side(name, events.ingest, company.empty, events.check_ingested)
        name = "psql's COPY piped into psql's COPY, a table of the same columns"
        pipe = Side(name, events.pipe, events.empty_copy, events.check_piped)
        yield compare("first_load", company.meter(), ours, pipe, BARS, scale)
