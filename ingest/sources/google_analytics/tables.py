"""The tables of Google Analytics: rows by hour and by day, what was no row, and what is known of the property."""

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
# `day_at` is the instant at which the day begins in raw.reads, by which the rows are replaced.
REJECT_TABLE = Table(
    name="google_analytics_rejects",
    comment="One row per value of a report that is no number, or has no hour or day of its own.",
    columns={
        "stream": "text",
        "date_day": "date",
        "day_at": "timestamp",
        "labels": "json",
        "metric": "text",
        "value": "text",
        "reason": "text",
    },
    required=frozenset({"stream", "date_day", "day_at", "labels", "metric", "value", "reason"}),
    indexes=("(day_at)",),
)
PROPERTY_TABLE = Table(
    schema="ops",
    name="google_analytics_properties",
    comment="One row: the property whose numbers these are, as it was when it was first read.",
    columns={"property_id": "text", "time_zone": "text", "currency_code": "text"},
    required=frozenset({"property_id", "time_zone", "currency_code"}),
    primary_key=("property_id",),
)
QUOTA_TABLE = Table(
    schema="ops",
    name="google_analytics_quota",
    comment="One row per property, run and bucket of its quota: what its last request took, and what was left.",
    columns={
        "property_id": "text",
        "asked_at": "timestamp",
        "bucket": "text",
        "consumed": "bigint",
        "remaining": "bigint",
    },
    required=frozenset({"property_id", "asked_at", "bucket", "consumed", "remaining"}),
    primary_key=("property_id", "asked_at", "bucket"),
)
TABLES = [HOUR_TABLE, DAY_TABLE, REJECT_TABLE]
OPS_TABLES = [PROPERTY_TABLE, QUOTA_TABLE]
