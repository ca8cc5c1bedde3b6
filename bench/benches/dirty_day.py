"""The build of one day that was read again, against the build of all of the year that it lies in."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.rebuilds import rebuilds

BARS = (Bar("wall x", 0.05), Bar("CPU x", 0.05))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    count, days = (1_000, 4) if scale.is_small else (2_000_000, 365)
    with rebuilds(count, days) as past:
        day = Side(f"dbt build, warm, of 1 day of {days} with {count:,} events", past.build, past.change_a_day)
        whole = Side("dbt build, warm, of all of them", past.build, past.lose_facts)
        yield compare("dirty_day", past.company.meter(), day, whole, BARS, scale)
