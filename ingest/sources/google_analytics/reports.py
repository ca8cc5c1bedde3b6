"""What is asked of Google Analytics: the settings of a report, and the requests made of them."""

import datetime as dt
from typing import Annotated, Literal

from google.analytics.data_v1beta.types import (
    DateRange,
    Dimension,
    Filter,
    FilterExpression,
    FilterExpressionList,
    Metric,
    OrderBy,
    RunReportRequest,
)
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

# The API's own limits; those of a filter count, too.
MOST_DIMENSIONS, MOST_METRICS = 9, 10
# What it answers at most, whatever is asked for.
PAGE_ROWS = 250_000
TIMES = {"day": "date", "hour": "dateHour"}

Label = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]


class ReportSettings(BaseModel):
    """A report, a stream of its own: what is asked, and what it is called here; README.md has the details."""

    model_config = ConfigDict(extra="forbid")

    grain: Literal["day", "hour"]
    dimensions: dict[Label, Text] = Field(default_factory=dict)
    metrics: dict[Text, Text] = Field(min_length=1)
    filter: dict[Text, list[Text]] = Field(default_factory=dict)
    lookback_days: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _can_be_asked(self) -> "ReportSettings":
        if self.time in self.dimensions.values():
            raise ValueError(f"dimensions: {self.time} is added by grain; leave it out")
        for setting, names in (("dimensions", self.dimensions), ("metrics", self.metrics)):
            asked = list(names.values())
            twice = next((name for name in asked if asked.count(name) > 1), None)
            if twice:
                raise ValueError(f"{setting}: {twice} is there twice")
        count = len({self.time, *self.dimensions.values(), *self.filter})
        if count > MOST_DIMENSIONS:
            raise ValueError(
                f"dimensions: {count} with {self.time} and those of filter, and Google answers {MOST_DIMENSIONS} at "
                "most: leave some out"
            )
        if len(self.metrics) > MOST_METRICS:
            raise ValueError(
                f"metrics: {len(self.metrics)}, and Google answers {MOST_METRICS} at most: make two reports of them"
            )
        return self

    @property
    def time(self) -> str:
        """The dimension that the grain adds."""
        return TIMES[self.grain]

    @property
    def is_hourly(self) -> bool:
        """Whether its rows are hours."""
        return self.grain == "hour"

    def request(self, property_id: str, date: dt.date, offset: int = 0, limit: int = PAGE_ROWS) -> RunReportRequest:
        """Return the request for a page of a day.

        Without an order a page may hold rows of another: 362 of 2,431 rows came twice, and as many never (measured).
        """
        dimensions = [self.time, *self.dimensions.values()]
        order = [OrderBy.DimensionOrderBy(dimension_name=name, order_type=ALPHANUMERIC) for name in dimensions]
        return RunReportRequest(
            property=f"properties/{property_id}",
            date_ranges=[DateRange(start_date=date.isoformat(), end_date=date.isoformat())],
            dimensions=[Dimension(name=name) for name in dimensions],
            metrics=[Metric(name=name) for name in self.metrics.values()],
            dimension_filter=self._filter(),
            order_bys=[OrderBy(dimension=each) for each in order],
            offset=offset,
            limit=limit,
            return_property_quota=True,
        )

    def _filter(self) -> FilterExpression | None:
        parts = [
            FilterExpression(
                filter=Filter(field_name=name, in_list_filter=Filter.InListFilter(values=values, case_sensitive=True))
            )
            for name, values in self.filter.items()
        ]
        return FilterExpression(and_group=FilterExpressionList(expressions=parts)) if parts else None


ALPHANUMERIC = OrderBy.DimensionOrderBy.OrderType.ALPHANUMERIC
