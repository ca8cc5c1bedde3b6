"""The settings of [sources.google_analytics]; README.md says what each does."""

import datetime as dt
import json
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from ingest import personal
from ingest.hours import ceil_midnight
from ingest.reads import BEGINNING
from ingest.settings import SourceSettings
from ingest.sources.google_analytics.reports import ReportSettings

DEMO_PROPERTY = "demo"


def _key(given: object) -> object:
    """Return a key's JSON read, as the environment's is already."""
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        # The text is a secret: nothing of it is shown.
        raise ValueError("no JSON; paste all of the key's file") from error


Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]*$")]


class GoogleAnalyticsSettings(SourceSettings):
    """Which property, how it is reached, and what is read of it."""

    property_id: str
    reports: dict[Name, ReportSettings] = Field(min_length=1)
    credentials: Annotated[dict, BeforeValidator(_key)] | None = None
    transport: Literal["grpc", "rest"] = "grpc"
    api_endpoint: str | None = None
    lookback_days: NonNegativeInt = 4
    start_at: dt.date | None = None
    keeps_days: PositiveInt | None = None
    quota_reserve: Annotated[float, Field(ge=0, lt=1)] = 0.05
    allow_personal: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_nobody(self) -> "GoogleAnalyticsSettings":
        for name, report in self.reports.items():
            for label, dimension in report.dimensions.items():
                if label not in self.allow_personal:
                    personal.check_names(f"reports.{name}.dimensions", (label, dimension), ())
        return self

    @field_validator("property_id")
    @classmethod
    def _is_an_id(cls, given: str) -> str:
        if given != DEMO_PROPERTY and not (given.isascii() and given.isdigit()):
            raise ValueError("the number of Admin > Property details, such as 123456789; G-... is another id")
        return given

    @field_validator("reports")
    @classmethod
    def _one_report_a_metric(cls, given: dict[str, ReportSettings]) -> dict[str, ReportSettings]:
        metrics = [metric for report in given.values() for metric in report.metrics]
        twice = next((metric for metric in metrics if metrics.count(metric) > 1), None)
        if twice:
            raise ValueError(f"two give the metric {twice}, and a metric has one stream")
        return given

    def oldest(self, now: dt.datetime) -> dt.datetime:
        """Return the start of the first business day that may be read."""
        return ceil_midnight(now - dt.timedelta(days=self.keeps_days)) if self.keeps_days else BEGINNING
