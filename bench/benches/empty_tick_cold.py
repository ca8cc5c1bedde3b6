"""What a tick with nothing new costs in processes of its own: the demo's warehouse, python -m ingest, dbt build."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.demo import demo, live

BARS = (Bar("CPU s", 12, 7),)
WITHOUT_UNIT_TESTS = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}  # dbt's own setting


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield a row with dbt's unit tests and one without; a small one has no source, and one seed."""
    build = ("build", "--select", "metrics") if scale.is_small else ("build",)
    with demo(scale.is_small) as company:

        def tick(**variables: str) -> None:
            company.module("ingest")
            company.dbt(*build, **variables)

        ways = {"": {}} | ({} if scale.is_small else {", unit tests left out": WITHOUT_UNIT_TESTS})
        if not scale.is_small:
            live(company, 0)
            tick()
            tick()
        for name, variables in ways.items():
            work = Side(
                f"python -m ingest && dbt build, nothing new, on the demo's 90 days{name}",
                lambda variables=variables: tick(**variables),
            )
            yield compare("empty_tick_cold", company.meter(), work, None, BARS, scale)
