"""50,000 rows of Google Analytics, into raw, against a bare loop of Google's client that writes the same rows."""

import datetime as dt
from collections.abc import Iterator

from bench.analytics import serve, settings
from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.warehouse import Warehouse, warehouse
from demo.analytics import wires

BARS = (Bar("CPU x", 2),)
# Midnight of business time: there is no open day, which only ingest would read.
NOW, START, DAYS = dt.datetime(2026, 3, 9, 23, tzinfo=dt.timezone.utc), dt.date(2026, 3, 5), 5
REPORT = {
    "grain": "day",
    "dimensions": {"channel": "sessionDefaultChannelGroup"},
    "metrics": {"website.sessions": "sessions"},
}
COPY = "create table copy (metric text, labels jsonb, day date, value float8, is_estimated bool)"


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    rows_a_day = 100 if scale.is_small else 10_000
    count = rows_a_day * DAYS
    with warehouse(WAREHOUSE_NOW=NOW.isoformat()) as company, serve(NOW, rows_a_day) as url:
        variables = settings(url, START, REPORT)
        ours = Side(
            f"python -m ingest google_analytics: {count:,} rows",
            lambda: company.module("ingest", "google_analytics", **variables),
            company.empty,
            lambda: company.check("raw.google_analytics_days", count),
        )
        loop = Side(
            "a bare loop of Google's client, and COPY",
            lambda: company.module("bench.bare.google_analytics", url + wires.PATH, START.isoformat(), str(DAYS)),
            lambda: _empty(company),
            lambda: company.check("copy", count),
        )
        yield compare("google_analytics", company.meter(), ours, loop, BARS, scale)


def _empty(company: Warehouse) -> None:
    company.empty()
    company.execute(COPY)
