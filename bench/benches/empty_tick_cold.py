"""What a tick with nothing new costs in processes of its own: the demo's warehouse, python -m ingest, dbt build."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.demo import demo, live

BARS = (Bar("CPU s", 12, 7),)


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one row, held against nothing; a small one has no source, and one seed."""
    build = ("build", "--select", "metrics") if scale.is_small else ("build",)
    with demo(scale.is_small) as company:

        def tick() -> None:
            company.module("ingest")
            company.dbt(*build)

        if not scale.is_small:
            live(company, 0)
            tick()
        work = Side("python -m ingest && dbt build, nothing new, on the demo's 90 days", tick)
        yield compare("empty_tick_cold", company.meter(), work, None, BARS, scale)
