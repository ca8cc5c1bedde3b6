"""The settings of a report of Google Analytics."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

# The API's own limits; those of a filter count, too.
MOST_DIMENSIONS, MOST_METRICS = 9, 10
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
