"""The first load of ten times as many events against that of 2,000,000: memory and time for each stay the same."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.events import NOW, EventsDatabase
from bench.warehouse import warehouse

BARS = (Bar("memory x", 1.3), Bar("wall x", 1.1), Bar("CPU x", 1.1))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    count = 1_000 if scale.is_small else 2_000_000
    with warehouse(WAREHOUSE_NOW=NOW.isoformat()) as company:
        ours, fewer = (
            Side(f"python -m ingest events: {n:,} events", events.ingest, company.empty, events.check_ingested, n)
            for n, events in (
                (10 * count, EventsDatabase(company, 10 * count, "demo_bench_many")),
                (count, EventsDatabase(company, count)),
            )
        )
        yield compare("first_load_20m", company.meter(), ours, fewer, BARS, scale)
