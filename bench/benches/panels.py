"""What the dashboards' statements take on years of the demo's series: the one that 95 of 100 are faster than."""

from collections.abc import Iterator
from contextlib import closing

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.demo import demo, live
from bench.panels import ask, asked, stretch

# Times 13 weeks, and series: 26,000,000 hourly facts.
TIMES, OTHERS = 20, 560
# Days of the range -> the bar, and the better one.
BARS = {30: Bar("wall ms", 50, 20), 365: Bar("wall ms", 200, 80)}


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield a row for each range."""
    with demo(scale.is_small) as company:
        if not scale.is_small:
            live(company, 0)
        company.module("ingest")
        company.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
        facts = stretch(company, *((1, 1) if scale.is_small else (TIMES, OTHERS)))
        # One connection, as Grafana keeps its own: it knows the marts when a statement is measured again.
        with closing(company.connect()) as connection:
            for days, bar in list(BARS.items())[: 1 if scale.is_small else None]:
                yield compare("panels", company.meter(), _slow(connection, days, facts, bar), None, (bar,), scale)


def _slow(connection, days: int, facts: int, bar: Bar) -> Side:
    found = asked(connection, days)
    slow = found[int(len(found) * 0.95)]
    over = sum(each.seconds * 1000 > bar.at_most for each in found)
    name = (
        f"{days} days, {facts:,} hourly facts: of {len(found)} statements the 95th in 100, {slow.where}; "
        f"{over} take longer than {bar.at_most} ms, the slowest {found[-1].seconds * 1000:.0f}: {found[-1].where}"
    )
    return Side(name, lambda: ask(connection, slow.sql))
