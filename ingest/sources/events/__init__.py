"""Events: one table, read whole hours at a time by COPY to files. See README.md in this folder."""

import datetime as dt
from typing import Annotated, Any

from pydantic import Field, PositiveInt, model_validator

from ingest import personal
from ingest.errors import SettingError
from ingest.hours import HOUR, ceil_hour, floor_hour, hour_of
from ingest.job import Finding, Job, Result, Visit
from ingest.raw import Table
from ingest.reads import BEGINNING, Period
from ingest.settings import PostgresSettings, instant
from ingest.sources.postgres import NUMBERS, TIMES, Column, Snapshot, check_table, load_periods, parts, snapshot

STREAM = "events.events"
TABLE = Table(
    name="events_events",
    comment="One row per event.",
    columns={
        "event_id": "text",
        "type": "text",
        "occurred_at": "timestamp",
        "user_id": "text",
        "duration_ms": "bigint",
        "attributes": "json",
    },
    required=frozenset({"event_id", "type", "occurred_at"}),
    # For models, in equality joins by hour, and for the replacement of a period.
    indexes=(f"({hour_of('occurred_at')})",),
    hour=hour_of("occurred_at"),
)
TABLES = [TABLE]
REQUIRED = ("event_id", "type", "occurred_at")
OPTIONAL = ("user_id", "duration_ms", "attributes")


class EventsSettings(PostgresSettings):
    """Settings of [sources.events]; README.md says what each does."""

    table: str = "events"
    columns: dict[str, str] = Field(default_factory=dict)
    attributes: list[str] = Field(default_factory=list)
    arrival_column: str | None = None
    start_at: Any = None
    keeps_days: PositiveInt | None = None
    # The first run of a day reads the last 7 days again; what it reads must not be closed.
    prune_after_days: Annotated[int, Field(ge=8)] | None = None

    @model_validator(mode="after")
    def _names_nobody(self) -> "EventsSettings":
        personal.check_names("attributes", self.attributes, self.allow_personal)
        self.check_user_id("columns.user_id", self.columns.get("user_id"))
        return self

    def oldest(self, now: dt.datetime) -> dt.datetime:
        """Return the instant before which the source keeps nothing."""
        return now - dt.timedelta(days=self.keeps_days) if self.keeps_days else BEGINNING


SETTINGS = EventsSettings


def read(job: Job, settings: EventsSettings) -> Result:
    """Read what is due of the stream into raw; raises SourceError, which names the setting and the cure."""
    with snapshot(job, settings) as source:
        events = _Events(source, settings)
        start = events.start(job)
        periods = _periods(job, settings, events, start)
        with job.reads.reading({STREAM: periods}, settings.oldest(job.now)) as readings:
            for reading in readings.values():
                load_periods(job, source, reading, TABLE, "occurred_at", events.queries(reading.periods))
        return Result.of(readings)


def check(visit: Visit, settings: EventsSettings) -> list[Finding]:
    """Return what there is to read; raises SourceError where the database can't be reached."""
    with snapshot(visit, settings) as source:

        def find() -> tuple[str, Column, dt.datetime | None]:
            events = _Events(source, settings)
            return events.table, events.occurred_at, events.start_at

        return [check_table(visit, source, STREAM, find)]


def _periods(job: Job, settings: EventsSettings, events: "_Events", start: dt.datetime) -> list[Period]:
    arrived = events.arrived(job, start, settings.lookback)
    if job.options.period:
        return [job.options.period, *arrived]
    since = max(start, job.reads.reconcile_start(STREAM), ceil_hour(settings.oldest(job.now)))
    return [
        *arrived,
        *job.reads.unread(STREAM, start),
        *job.reads.recent(STREAM, start, settings.lookback),
        *job.reads.reconcile(STREAM, since, job.options.reconcile),
    ]


class _Events:
    """The source's table: its columns checked, and the queries that read it."""

    def __init__(self, source: Snapshot, settings: EventsSettings):
        self.source, self.settings = source, settings
        self.start_at = instant("events", "start_at", settings.start_at)
        self.table = source.table("table", settings.table)
        self.columns = source.columns("columns.", self.table, self._wanted())
        source.check_type("columns.occurred_at", self.columns["occurred_at"], TIMES)
        if "duration_ms" in self.columns:
            source.check_type("columns.duration_ms", self.columns["duration_ms"], NUMBERS)
        if "attributes" in self.columns:
            source.check_type("columns.attributes", self.columns["attributes"], ("jsonb", "json"))
        if settings.arrival_column:
            self.columns |= source.columns("", self.table, {"arrival_column": settings.arrival_column})
            source.check_type("arrival_column", self.columns["arrival_column"], TIMES)

    def _wanted(self) -> dict[str, str]:
        """Return our column -> theirs; an optional one that is not configured is read where it is there."""
        given = self.settings.columns
        unknown = sorted(set(given) - {*REQUIRED, *OPTIONAL})
        if unknown:
            raise SettingError(
                f"[sources.events] columns.{unknown[0]}: no such column; there are: {', '.join((*REQUIRED, *OPTIONAL))}"
            )
        wanted = {column: given.get(column, column) for column in REQUIRED}
        for column in ("user_id", "duration_ms"):
            if column in given or self.source.has_column(self.table, column):
                wanted[column] = given.get(column, column)
        if self.settings.attributes:
            wanted["attributes"] = given.get("attributes", "attributes")
        return wanted

    @property
    def occurred_at(self) -> Column:
        return self.columns["occurred_at"]

    def start(self, job: Job) -> dt.datetime:
        """Return from when on events are read: the setting, what was read first, or the oldest event."""
        first = self.start_at or job.reads.first_start(STREAM)
        return first or floor_hour(self.source.oldest(self.table, self.occurred_at) or job.now)

    def arrived(self, job: Job, start: dt.datetime, lookback: dt.timedelta) -> list[Period]:
        """Return the hours of events that arrived since the last read, however late; none without a column."""
        last = job.reads.last_started(STREAM)
        column = self.columns.get("arrival_column")
        if last is None or column is None:
            return []
        since = Period(last - lookback, job.now)
        hour = hour_of(self.occurred_at.instant(self.settings.timezone))
        rows = self.source.rows(
            f"select distinct {hour} from {self.table} "
            f"where {column.within([since], self.settings.timezone)} "
            f"and {self.occurred_at.within([Period(start, job.now)], self.settings.timezone)}"
        )
        return [Period(at, min(at + HOUR, job.now)) for (at,) in rows]

    def queries(self, periods: list[Period]) -> list[str]:
        """Return the queries for the events of some periods, one a file."""
        return [
            f"select {self._select()} from {self.table} where {self.occurred_at.within(part, self.settings.timezone)}"
            for part in parts(periods)
        ]

    def _select(self) -> str:
        columns = self.columns
        values = {
            "event_id": f"{columns['event_id'].name}::text",
            "type": f"coalesce({columns['type'].name}::text, '')",
            "occurred_at": self.occurred_at.instant(self.settings.timezone),
            "user_id": self.source.user_id(columns.get("user_id")),
            "duration_ms": (
                f"round({columns['duration_ms'].name})::bigint" if "duration_ms" in columns else "null::bigint"
            ),
            "attributes": self._attributes() if "attributes" in columns else "null::jsonb",
        }
        return ", ".join(f"{value} as {column}" for column, value in values.items())

    def _attributes(self) -> str:
        """Return the SQL for the allowed keys only: what else the document holds never leaves the source.

        One that holds nothing else is taken as it is: to build it anew takes four times as long, 1.2 s of CPU for
        2,000,000 events.
        """
        document = f"{self.columns['attributes'].name}::jsonb"
        keys = [f"{self.source.literal(key)}::text" for key in self.settings.attributes]
        pairs = ", ".join(f"{key}, {document} -> {key}" for key in keys)
        others = f"case jsonb_typeof({document}) when 'object' then {document} - array[{', '.join(keys)}] end"
        return f"jsonb_strip_nulls(case {others} when '{{}}' then {document} else jsonb_build_object({pairs}) end)"
