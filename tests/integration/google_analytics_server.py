"""The demo's property on both wires, what a bare client gets of it, and a company that reads it."""

import datetime as dt
import json
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta.types import DateRange, Dimension, Metric, RunReportRequest
from google.auth.credentials import AnonymousCredentials

from demo import api
from demo.analytics import wires
from demo.analytics.property import Property
from demo.analytics.quota import Quota
from tests.conftest import Company

# Those of .dlt/config.toml.
REPORTS = {
    "channels": {
        "grain": "day",
        "dimensions": {"channel": "sessionDefaultChannelGroup"},
        "metrics": {
            "website.sessions": "sessions",
            "website.new_users": "newUsers",
            "website.channel_active_users": "activeUsers",
            "website.page_views": "screenPageViews",
            "website.key_events": "keyEvents",
        },
    },
    "users": {
        "grain": "day",
        "metrics": {"website.active_users": "activeUsers", "website.active_users_7_days": "active7DayUsers"},
    },
    "hours": {
        "grain": "hour",
        "metrics": {"website.hourly_sessions": "sessions", "website.hourly_page_views": "screenPageViews"},
    },
}
PREFIX = "SOURCES__GOOGLE_ANALYTICS__"
Values = dict[tuple[str, tuple[str, ...], str], float]  # metric, labels' values, date or dateHour


@dataclass
class Served:
    """A property that listens on loopback."""

    analytics: Property
    endpoints: dict[str, str]  # of each wire

    def ask(self, name: str, first: dt.date, last: dt.date) -> Values:
        """Return what the official client gets of a report of REPORTS for some days, in one request.

        It leaves no trace, and nothing fails for it.
        """
        report, switches = REPORTS[name], self.analytics.switches
        trace = self.analytics.quota, self.analytics.calls
        self.analytics.switches = replace(switches, failures=iter(()), limits={})
        self.analytics.quota, self.analytics.calls = Quota(), deque()
        client = BetaAnalyticsDataClient(
            transport="rest",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.endpoints["rest"]},
        )
        dimensions = ["dateHour" if report["grain"] == "hour" else "date", *report.get("dimensions", {}).values()]
        answer = client.run_report(
            RunReportRequest(
                property="properties/demo",
                date_ranges=[DateRange(start_date=first.isoformat(), end_date=last.isoformat())],
                dimensions=[Dimension(name=dimension) for dimension in dimensions],
                metrics=[Metric(name=metric) for metric in report["metrics"].values()],
                limit=250_000,
            )
        )
        self.analytics.switches = switches
        self.analytics.quota, self.analytics.calls = trace
        found = {}
        for row in answer.rows:
            time, *labels = [value.value for value in row.dimension_values]
            for metric, value in zip(report["metrics"], row.metric_values, strict=True):
                found[metric, tuple(labels), time] = float(value.value)
        return found

    def days_asked(self, metric: str = "sessions", time: str = "date") -> list[str]:
        """Return the days for which a report with a metric and a time was asked, the probes left out."""
        asked = [request for method, request in self.analytics.calls if method == "RunReport" and request.limit > 1]
        asked = [
            request for request in asked if request.metrics[0].name == metric and request.dimensions[0].name == time
        ]
        return [request.date_ranges[0].start_date for request in asked]


@contextmanager
def serve(now: dt.datetime) -> Iterator[Served]:
    """Serve the property on both wires, asked at an instant."""
    analytics = Property(now)
    grpc_server, grpc_port = wires.serve_grpc(analytics)
    with api.serve(0, analytics) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        rest = f"http://127.0.0.1:{server.server_port}{wires.PATH}"
        yield Served(analytics, {"rest": rest, "grpc": f"http://127.0.0.1:{grpc_port}"})
        server.shutdown()
    grpc_server.stop(None)


class Reader:
    """A company that reads the property: its reports, by a wire, at its now, at which the property is asked, too."""

    def __init__(self, company: Company, served: Served):
        """Start at the property's now."""
        self.company, self.served = company, served
        company.now = served.analytics.now

    def __call__(self, *arguments: str, wire: str = "grpc", reports: dict = REPORTS, **settings) -> tuple[int, str]:
        """Read; returns the exit code and the one line that is printed. The first day is 4 March, unless told."""
        self.served.analytics.now = self.company.now
        self.served.analytics.calls.clear()
        self.set(wire, reports, **settings)
        code, printed = self.company.ingest("google_analytics", *arguments)
        assert printed.count("\n") == 1, printed
        return code, printed.removeprefix("google_analytics   ").strip()

    def set(self, wire: str = "grpc", reports: dict = REPORTS, **settings) -> None:
        """Set the source's settings, and no other; None sets none."""
        given = {
            "enabled": "true",
            "property_id": "demo",
            "transport": wire,
            "api_endpoint": self.served.endpoints[wire],
            "reports": reports,
            "start_at": "2026-03-04",
        } | settings
        for variable in [name for name in os.environ if name.startswith(PREFIX)]:
            self.company.monkeypatch.delenv(variable)
        for name, value in given.items():
            if value is not None:
                text = json.dumps(value) if isinstance(value, dict) else str(value)
                self.company.set(**{f"{PREFIX}{name.upper()}": text})

    def stored(self) -> list[tuple]:
        """Return all rows by day and by hour, no two of which are of the same cell."""
        columns = "stream, metric, labels::text, {}::text, value, is_estimated"
        tables = {"google_analytics_days": "date_day", "google_analytics_hours": "hour_at"}
        query = " union all ".join(f"select {columns.format(time)} from raw.{table}" for table, time in tables.items())
        found = self.company.rows(f"{query} order by 1, 2, 3, 4")
        assert len({row[:4] for row in found}) == len(found)
        return found

    def held(self, name: str, zone: str = "Europe/Paris") -> Values:
        """Return what raw holds of a report, as the property would say it."""
        table, time = ("hours", "hour_at") if REPORTS[name]["grain"] == "hour" else ("days", "date_day")
        query = f"select metric, labels, {time}, value from raw.google_analytics_{table} where stream = %s"
        rows = self.company.rows(query, (f"google_analytics.{name}",))
        if table == "hours":
            rows = [(*row[:2], row[2].astimezone(ZoneInfo(zone)), row[3]) for row in rows]
        form = "%Y%m%d%H" if table == "hours" else "%Y%m%d"
        return {(metric, tuple(labels.values()), at.strftime(form)): value for metric, labels, at, value in rows}

    def reads(self, name: str, condition: str = "finished_at is not null") -> list[tuple]:
        """Return the periods of reads of a report, in the order in which they began."""
        query = f"select period_start, period_end from raw.reads where stream = %s and {condition} order by read_id"
        return self.company.rows(query, (f"google_analytics.{name}",))
