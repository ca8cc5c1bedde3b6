"""The demo company as a bench's: its databases, its HTTP API and a warehouse."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from bench import analytics
from bench.warehouse import NO_SOURCE, Warehouse, warehouse
from demo import api
from demo.analytics import wires
from ingest.reads import parse_instant

NOW = "2026-11-02T09:05Z"


@contextmanager
def demo(is_small: bool = False) -> Iterator[Warehouse]:
    """Give a warehouse whose clock stands at NOW, with all sources of the demo on; its databases are not there yet.

    A small one has no source on: it shows that a bench runs.
    """
    with analytics.serve(parse_instant(NOW, "NOW")) as url:
        variables = {
            **({} if is_small else dict.fromkeys(NO_SOURCE, "true")),
            "WAREHOUSE_NOW": NOW,
            "SOURCES__PROMETHEUS__URL": f"{url}{api.PATH}",
            "SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT": f"{url}{wires.PATH}",
        }
        with warehouse(**variables) as company:
            yield company


def live(company: Warehouse, hours_ago: int) -> None:
    """Let the company's databases live on, up to some hours before NOW."""
    until = parse_instant(NOW, "NOW") - dt.timedelta(hours=hours_ago)
    company.module("demo", WAREHOUSE_NOW=until.isoformat())
