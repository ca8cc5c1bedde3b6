"""What a tick with nothing new costs in processes of its own: the demo's warehouse, python -m ingest, dbt build."""

from collections.abc import Iterator

from bench import analytics
from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.warehouse import NO_SOURCE, warehouse
from demo import api
from demo.analytics import wires
from ingest.reads import parse_instant

BARS = (Bar("CPU s", 12, 7),)
NOW = "2026-11-02T09:05Z"


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one row, held against nothing; a small one has no source, and one seed."""
    with analytics.serve(parse_instant(NOW, "NOW")) as url:
        variables = {
            "WAREHOUSE_NOW": NOW,
            "SOURCES__PROMETHEUS__URL": f"{url}{api.PATH}",
            "SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT": f"{url}{wires.PATH}",
        }
        sources = {} if scale.is_small else dict.fromkeys(NO_SOURCE, "true")
        build = ("build", "--select", "metrics") if scale.is_small else ("build",)
        with warehouse(**variables, **sources) as company:

            def tick() -> None:
                company.module("ingest")
                company.dbt(*build)

            if not scale.is_small:
                company.module("demo")
                tick()
            work = Side("python -m ingest && dbt build, nothing new, on the demo's 90 days", tick)
            yield compare("empty_tick_cold", company.meter(), work, None, BARS, scale)
