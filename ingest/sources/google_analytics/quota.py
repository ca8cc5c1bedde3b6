"""The property's quota: read with every answer, kept in ops, and never spent whole, since others need some too."""

import datetime as dt
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ingest.errors import QuotaError
from ingest.hours import HOUR
from ingest.reads import Reads
from ingest.sources.google_analytics.days import DAY, midnight

# What a standard property may use. One of Analytics 360 may use ten times as much, so its reserve is the smaller part.
SIZES = {
    "tokens_per_day": 200_000,
    "tokens_per_hour": 40_000,
    "tokens_per_project_per_hour": 14_000,
    "server_errors_per_project_per_hour": 10,
    "potentially_thresholded_requests_per_hour": 120,
}
DAILY = "tokens_per_day"
# Google gives the day's tokens anew at midnight here.
PACIFIC = ZoneInfo("America/Los_Angeles")


class Bucket(NamedTuple):
    """A part of the quota: what the last request took of it, and what it left."""

    consumed: int
    remaining: int


class Quota:
    """What the latest answer left, and why no more is asked."""

    def __init__(self, reserve: float, now: dt.datetime):
        """Take the share that is left to others, and the clock of the run."""
        self.reserve, self.now = reserve, now
        self.buckets: dict[str, Bucket] = {}
        self.error: QuotaError | None = None

    def note(self, property_quota: Any) -> None:
        """Take what an answer says of it."""
        for field, status in property_quota.ListFields():
            self.buckets[field.name] = Bucket(status.consumed, status.remaining)

    def check(self) -> None:
        """Raise QuotaError where another request like the last would get into the reserve, or one was refused."""
        for name, size in SIZES.items():
            consumed, remaining = self.buckets.get(name, (0, size))
            if not self.error and remaining - consumed < self.reserve * size:
                kept = f"{self.reserve * size:,.0f} are kept in reserve (quota_reserve)"
                self._stop(f"{remaining:,} {words(name)} are left, and {kept}", is_daily=name == DAILY)
        if self.error:
            raise self.error

    def refused(self, message: str) -> QuotaError:
        """Return the error for an answer that says that some of it is used up: nothing is asked after that."""
        return self._stop(f"Google says: {message.rstrip('.')}", "per day" in message or "24 hours" in message)

    def left(self) -> str:
        """Return what is left of the tokens, in a line."""
        tokens = [name for name in SIZES if name in self.buckets and name.startswith("tokens")]
        return ", ".join(f"{self.buckets[name].remaining:,} {words(name)}" for name in tokens)

    def keep(self, reads: Reads, property_id: str) -> None:
        """Write what was left into ops."""
        with reads.connection.cursor() as cursor:
            cursor.executemany(
                """
                insert into ops.google_analytics_quota (property_id, asked_at, bucket, consumed, remaining)
                values (%s, %s, %s, %s, %s)
                on conflict (property_id, asked_at, bucket) do update
                set consumed = excluded.consumed, remaining = excluded.remaining
                """,
                [(property_id, self.now, name, *bucket) for name, bucket in self.buckets.items()],
            )

    def _stop(self, reason: str, is_daily: bool) -> QuotaError:
        again = next_pacific_midnight(self.now) if is_daily else self.now + HOUR
        self.error = QuotaError(f"{reason}; run again after {again:%Y-%m-%d %H:%M} UTC")
        return self.error


def next_pacific_midnight(now: dt.datetime) -> dt.datetime:
    """Return the instant at which the day's tokens are given anew, in UTC."""
    return midnight(now.astimezone(PACIFIC).date() + DAY, PACIFIC)


def words(bucket: str) -> str:
    """Return a bucket's name for people."""
    return bucket.replace("_", " ")
