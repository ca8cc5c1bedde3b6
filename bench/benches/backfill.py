"""The build of 90 days that were read hour by hour, against the build of the same, read at once."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.rebuilds import rebuilds

BARS = (Bar("wall x", 1.2), Bar("CPU x", 1.2))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    count, days = (1_000, 2) if scale.is_small else (500_000, 90)
    with rebuilds(count, days) as past:
        hourly = Side(
            f"dbt build, warm, of {days} days with {count:,} events, in {24 * days:,} reads",
            past.build,
            lambda: past.lose_facts_read_by(1),
        )
        once = Side("dbt build, warm, of the same in one read", past.build, lambda: past.lose_facts_read_by(24 * days))
        yield compare("backfill", past.company.meter(), hourly, once, BARS, scale)
