"""100 series of a Prometheus over 90 days, into raw, against a bare loop of requests that writes the same rows."""

import datetime as dt
import json
from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.prometheus import serve
from bench.warehouse import Warehouse, warehouse

BARS = (Bar("CPU x", 2),)
START, SCRAPE_SECONDS, HOUR = dt.datetime(2026, 3, 24, 23, tzinfo=dt.timezone.utc), 300, 3600
METRIC, SERIES = "http_requests_total", 100
QUERY = {"metric": "http.requests", "expr": METRIC, "value": "increase", "labels": ["status"], "across": "sum"}
COPY = "create table copy (metric text, labels jsonb, at bigint, value float8, sample_count float8)"


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    hours = 24 if scale.is_small else 90 * 24
    now = START + dt.timedelta(hours=hours, minutes=10)
    with (
        warehouse(WAREHOUSE_NOW=now.isoformat()) as company,
        serve(company.folder / "prometheus", _samples(hours)) as prometheus,
    ):
        settings = {"ENABLED": "true", "URL": prometheus.url, "KEEPS_DAYS": "400", "START_AT": START.isoformat()}
        variables = {f"SOURCES__PROMETHEUS__{name}": value for name, value in settings.items()}
        variables["SOURCES__PROMETHEUS__QUERIES"] = json.dumps({"http_requests": QUERY})
        bare = ("bench.bare.prometheus", prometheus.url, METRIC, str(int(START.timestamp())), str(hours))
        found = f"{SERIES} series of {hours:,} hours"
        ours = Side(
            f"python -m ingest prometheus: {found}",
            lambda: company.module("ingest", "prometheus", **variables),
            company.empty,
            lambda: company.check("raw.prometheus_samples", SERIES * hours),
        )
        loop = Side(
            "a bare loop of requests, and COPY",
            lambda: company.module(*bare),
            lambda: _empty(company),
            lambda: company.check("copy", SERIES * hours),
        )
        yield compare("prometheus", company.meter([prometheus.pid]), ours, loop, BARS, scale)


def _empty(company: Warehouse) -> None:
    company.empty()
    company.execute(COPY)


def _samples(hours: int) -> Iterator[str]:
    """Yield counters that are scraped half a minute past each full one, and an hour longer than they are read."""
    yield f"# TYPE {METRIC.removesuffix('_total')} counter\n"
    first = int(START.timestamp()) + 30
    for series in range(SERIES):
        for number in range((hours + 1) * HOUR // SCRAPE_SECONDS):
            at = first + number * SCRAPE_SECONDS
            yield f'{METRIC}{{status="{series}"}} {number * (series + 1)} {at}\n'
