"""The raw tables of Google Analytics."""

from ingest.hours import hour_of
from ingest.raw import Table

HOUR_TABLE = Table(
    name="google_analytics_hours",
    comment="One row per stream, metric, labels and hour that a report by hour has.",
    columns={
        "stream": "text",
        "metric": "text",
        "labels": "json",
        "hour_at": "timestamp",
        "value": "double",
        "is_estimated": "bool",
    },
    required=frozenset({"stream", "metric", "labels", "hour_at", "value", "is_estimated"}),
    indexes=(f"(stream, {hour_of('hour_at')})", "(hour_at)"),
)
# A day is the property's: a date, whatever the business time zone is.
DAY_TABLE = Table(
    name="google_analytics_days",
    comment="One row per stream, metric, labels and day of the property that a report by day has.",
    columns={
        "stream": "text",
        "metric": "text",
        "labels": "json",
        "date_day": "date",
        "value": "double",
        "is_estimated": "bool",
    },
    required=frozenset({"stream", "metric", "labels", "date_day", "value", "is_estimated"}),
    indexes=("(stream, date_day)",),
)
TABLES = [HOUR_TABLE, DAY_TABLE]
