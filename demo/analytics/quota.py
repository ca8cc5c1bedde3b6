"""What was used of the property's quota: a standard property's, by hour and by day of the instant of asking."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

from google.analytics.data_v1beta import types

from demo.analytics.refusals import failure

PACIFIC = ZoneInfo("America/Los_Angeles")  # Google's day ends at its midnight
LIMITS = {
    "tokens_per_day": 200_000,
    "tokens_per_hour": 40_000,
    "concurrent_requests": 10,
    "server_errors_per_project_per_hour": 10,
    "potentially_thresholded_requests_per_hour": 120,
    "tokens_per_project_per_hour": 14_000,
}
TOKENS = ("tokens_per_day", "tokens_per_hour", "tokens_per_project_per_hour")
CONCURRENT, SERVER_ERRORS = "concurrent_requests", "server_errors_per_project_per_hour"
THRESHOLDED = "potentially_thresholded_requests_per_hour"

PropertyQuota = types.PropertyQuota.pb()


class Quota:
    """Counts what is used. `limits` go before LIMITS; `at_once` is how many requests are under way, this one too."""

    def __init__(self):
        """Start with nothing used."""
        self.used: Counter = Counter()

    def check(self, now: dt.datetime, limits: dict[str, int], at_once: int) -> None:
        """Raise Refusal where any quota is used up."""
        for name, limit in (LIMITS | limits).items():
            used = at_once - 1 if name == CONCURRENT else self.used[name, period(name, now)]
            if used >= limit:
                raise failure(name)

    def spend(self, now: dt.datetime, consumed: dict[str, int]) -> None:
        """Count what a request has consumed."""
        for name, number in consumed.items():
            self.used[name, period(name, now)] += number

    def write(
        self, message: Any, now: dt.datetime, limits: dict[str, int], at_once: int, consumed: dict[str, int]
    ) -> None:
        """Write a PropertyQuota: what a request has consumed, and what remains."""
        for name, limit in (LIMITS | limits).items():
            used = at_once if name == CONCURRENT else self.used[name, period(name, now)]
            status = getattr(message, name)
            status.consumed = 1 if name == CONCURRENT else consumed.get(name, 0)
            status.remaining = max(0, limit - used)


def period(name: str, now: dt.datetime) -> str:
    """Return the day or the hour in which a quota counts."""
    return f"{now.astimezone(PACIFIC):%F}" if name == "tokens_per_day" else f"{now.astimezone(dt.timezone.utc):%F %H}"
