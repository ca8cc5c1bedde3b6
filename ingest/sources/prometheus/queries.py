"""What is asked of Prometheus: the settings of a query, the PromQL made of them, and the grids of hours and days."""

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from ingest.hours import HOUR, ceil_midnight
from ingest.reads import Period

# PromQL for an hour's value of each kind of `value` but the two that are made otherwise.
FUNCTIONS = {"increase": "increase", "average": "avg_over_time", "last": "last_over_time"}
HOUR_WINDOW = "[1h]"
# 168 points a series, far below the 11,000 that Prometheus answers at most.
MOST_HOURS = 168
# Raw samples are 60 times as many: a day of them each 60 s is 1,500 a series.
MOST_EXACT_HOURS = 24

Label = Annotated[str, Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")]


class QuerySettings(BaseModel):
    """A query, a stream of its own: a metric, what is asked, and what its labels are; README.md has the details."""

    model_config = ConfigDict(extra="forbid")

    metric: str = Field(min_length=1)
    expr: str = Field(min_length=1)
    value: Literal["increase", "exact", "average", "last", "reported"]
    labels: list[Label] = Field(default_factory=list)
    across: Literal["sum", "avg", "min", "max"] | None = None
    max_series: PositiveInt = 200

    @model_validator(mode="after")
    def _fits_together(self) -> "QuerySettings":
        if "__name__" in self.labels:
            raise ValueError("labels: __name__ is no label of a metric here; metric names it")
        if self.is_reported and HOUR_WINDOW not in self.expr:
            raise ValueError("expr has no [1h]: a reported query says over which time, and a day's is made of it")
        if self.is_reported and self.across:
            raise ValueError("across: what is reported is never put together; aggregate in expr")
        if not self.is_reported and "[" in self.expr:
            raise ValueError('expr is a selector without a range, such as http_requests_total{job="web"}')
        if self.is_exact and self.across not in (None, "sum"):
            raise ValueError("across: exact counters can only be summed")
        return self

    @property
    def is_reported(self) -> bool:
        """Whether the value is Prometheus' own, for the day too, since it merges with no other."""
        return self.value == "reported"

    @property
    def is_exact(self) -> bool:
        """Whether increments are counted here, from raw samples."""
        return self.value == "exact"

    @property
    def most_hours(self) -> int:
        """How many hours are asked for at once."""
        return MOST_EXACT_HOURS if self.is_exact else MOST_HOURS

    def hourly(self) -> str:
        """Return the PromQL for an hour's values, at its end."""
        return self.expr if self.is_reported else self._grouped(FUNCTIONS[self.value], self.across)

    def sample_counts(self) -> str | None:
        """Return the PromQL for how many samples an hour's values are made of; None where nobody can tell."""
        return None if self.is_reported else self._grouped("count_over_time", "sum")

    def series_count(self) -> str:
        """Return the PromQL for how many series there are in an hour."""
        return f"count({self.sample_counts() or self.expr})"

    def samples(self, hours: int) -> str:
        """Return the PromQL for the raw samples of so many hours, and of one before: the first increment's start."""
        return f"{self.expr}[{hours + 1}h]"

    def daily(self, day: Period) -> str:
        """Return the PromQL for a business day's values, at its end."""
        return self.expr.replace(HOUR_WINDOW, f"[{day.hours}h]")

    def _grouped(self, function: str, across: str | None) -> str:
        inner = f"{function}({self.expr}{HOUR_WINDOW})"
        return f"{across} by ({', '.join(self.labels)}) ({inner})" if self.across else inner


def chunks(periods: list[Period], most_hours: int) -> Iterator[Period]:
    """Yield periods of whole hours, each of at most so many."""
    for period in periods:
        start = period.start
        while start < period.end:
            end = min(start + most_hours * HOUR, period.end)
            yield Period(start, end)
            start = end


def halves(period: Period) -> tuple[Period, Period] | None:
    """Return a period cut on an hour in its middle; None where it is one hour."""
    middle = period.start + period.hours // 2 * HOUR
    return (Period(period.start, middle), Period(middle, period.end)) if middle > period.start else None


def business_days(periods: list[Period]) -> Iterator[Period]:
    """Yield the business days, of 23 to 25 hours, that lie whole in the periods."""
    for period in periods:
        start = ceil_midnight(period.start)
        while (end := ceil_midnight(start + HOUR)) <= period.end:
            yield Period(start, end)
            start = end


def expected_samples(scrape_seconds: int | None) -> float:
    """Return how many samples an hour should have; 0 where the settings don't say."""
    return HOUR / dt.timedelta(seconds=scrape_seconds) if scrape_seconds else 0
