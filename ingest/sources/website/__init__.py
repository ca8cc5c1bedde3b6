"""The website's database: how many of each object there are, and when each was made. See README.md here."""

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ingest.hours import floor_hour, hour_of, midnight
from ingest.job import Finding, Job, Result, Visit
from ingest.load import CsvFile, Rows
from ingest.raw import Table
from ingest.reads import Period, Reading
from ingest.settings import PostgresSettings
from ingest.sources.postgres import TIMES, Column, Snapshot, check_table, snapshot

COUNTS = "website.counts"
OBJECTS = "website.objects"
COUNT_TABLE = Table(
    name="website_object_counts",
    comment="One row per object and sampling. Only added to: the past can not be counted again.",
    columns={
        "object": "text",
        "counted_at": "timestamp",
        "row_count": "bigint",
        "is_reconstructed": "bool",
    },
    required=frozenset({"object", "counted_at", "row_count", "is_reconstructed"}),
    primary_key=("object", "counted_at"),
    # The second leads to an object's first count past its reconstructed history, 8,760 rows a year.
    indexes=(f"({hour_of('counted_at')})", "(object, counted_at) where not is_reconstructed"),
)
OBJECT_TABLE = Table(
    name="website_objects",
    comment="One row per row of a counted table, never its content. Nothing is removed.",
    columns={
        "object": "text",
        "object_id": "text",
        "created_at": "timestamp",
        "user_id": "text",
        "seen_at": "timestamp",
        "deleted_seen_at": "timestamp",
    },
    required=frozenset({"object", "object_id", "created_at", "seen_at"}),
    primary_key=("object", "object_id"),
    indexes=(f"({hour_of('created_at')})",),
)
TABLES = [COUNT_TABLE, OBJECT_TABLE]

SAME_COUNT = (
    "exists (select from {staging_table} s where s.object = {table}.object and s.counted_at = {table}.counted_at)"
)
SAME_OBJECT = (
    "exists (select from {staging_table} s where s.object = {table}.object and s.object_id = {table}.object_id)"
)
NOTHING = "false"
UNKNOWN_OBJECT = (
    "not exists (select from raw.website_objects known "
    "where known.object = website_objects.object and known.object_id = website_objects.object_id)"
)


class ObjectSettings(BaseModel):
    """A counted table: its name, and those of its columns; user_id is read where it is there or named."""

    model_config = ConfigDict(extra="forbid")

    table: str
    id: str = "id"
    created_at: str = "created_at"
    user_id: str | None = None


def _table_alone(given: Any) -> Any:
    return {"table": given} if isinstance(given, str) else given


class WebsiteSettings(PostgresSettings):
    """Settings of [sources.website]; README.md says what each does."""

    objects: dict[str, Annotated[ObjectSettings, BeforeValidator(_table_alone)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_nobody(self) -> "WebsiteSettings":
        for name, each in self.objects.items():
            self.check_user_id(f"objects.{name}.user_id", each.user_id)
        return self


SETTINGS = WebsiteSettings


@dataclass(frozen=True)
class _Object:
    """A counted table: its columns checked, and the queries that read it."""

    name: str
    label: str  # the name in SQL
    table: str
    object_id: str  # SQL
    created_at: Column
    user_id: str  # SQL
    timezone: str

    @property
    def created(self) -> str:
        return self.created_at.instant(self.timezone)

    def oldest(self) -> str:
        return f"select min({self.created}) from {self.table} where {self.created_at.name} > '-infinity'"

    def count(self, now: dt.datetime) -> str:
        return (
            f"select {self.label}::text as object, timestamptz '{now.isoformat()}' as counted_at, "
            f"count(*) as row_count, false as is_reconstructed from {self.table}"
        )

    def history(self, oldest: dt.datetime, now: dt.datetime) -> str:
        """Return the query for one row an hour: the rows of now that were there at the hour's end."""
        first, last = floor_hour(oldest).isoformat(), floor_hour(now).isoformat()
        return f"""
            select
                {self.label}::text as object,
                hours.hour_at + interval '1 hour' - interval '1 microsecond' as counted_at,
                sum(coalesce(created.row_count, 0)) over (order by hours.hour_at)::bigint as row_count,
                true as is_reconstructed
            from generate_series(timestamptz '{first}', timestamptz '{last}' - interval '1 microsecond', '1 hour')
                as hours (hour_at)
            left join (
                select {hour_of(self.created)} as hour_at, count(*) as row_count
                from {self.table}
                where {self.created_at.name} > '-infinity'
                group by 1
            ) as created using (hour_at)
        """

    def rows(self, condition: str, now: dt.datetime) -> str:
        return (
            f"select {self.label}::text as object, {self.object_id} as object_id, {self.created} as created_at, "
            f"{self.user_id} as user_id, timestamptz '{now.isoformat()}' as seen_at, "
            f"null::timestamptz as deleted_seen_at from {self.table} where {condition}"
        )


def read(job: Job, settings: WebsiteSettings) -> Result:
    """Count the objects and read their new rows into raw; raises SourceError with the setting and the cure."""
    with snapshot(job, settings) as source:
        website = _Website(job, settings, source)
        with job.reads.reading(website.wanted()) as readings:
            job.say("counting")
            loads = []
            if COUNTS in readings:
                loads.append(website.count(readings[COUNTS]))
            if OBJECTS in readings:
                loads.append(website.list_objects(readings[OBJECTS]))
            if loads:
                job.load(loads)
        return Result.of(readings)


def check(visit: Visit, settings: WebsiteSettings) -> list[Finding]:
    """Return what there is to read of each object; raises SourceError where the database can't be reached."""
    with snapshot(visit, settings) as source:

        def find(name: str, each: ObjectSettings) -> tuple[str, Column, None]:
            found = _find(source, name, each, settings.timezone)
            return found.table, found.created_at, None

        return [check_table(visit, source, name, partial(find, name, each)) for name, each in settings.objects.items()]


class _Website:
    """One run's view of the website: its objects, which of them are new, what is due."""

    def __init__(self, job: Job, settings: WebsiteSettings, source: Snapshot):
        self.job, self.settings, self.source = job, settings, source
        self.objects = [_find(source, name, each, settings.timezone) for name, each in settings.objects.items()]
        self.names = [each.name for each in self.objects]
        known = job.reads.rows("select distinct object from raw.website_object_counts")
        self.new = [each for each in self.objects if (each.name,) not in known]

    def wanted(self) -> dict[str, list[Period]]:
        """Return what is due of both streams; a range asked for applies to the objects alone."""
        if self.job.options.period:
            self.earliest = None
            return {OBJECTS: [self.job.options.period]}
        self.oldest = {each.name: self.source.row(each.oldest())[0] for each in self.new}
        return {COUNTS: self._count_periods(), OBJECTS: self._object_periods()}

    def _count_periods(self) -> list[Period]:
        """Return from the hour of the last count on, which so becomes complete; all of a new object's time."""
        (last,) = self.job.reads.rows("select max(counted_at) from raw.website_object_counts")[0]
        start = floor_hour(min(at for at in (self.job.now, last, *self.oldest.values()) if at))
        return [Period(start, self.job.now)] if start < self.job.now else []

    def _object_periods(self) -> list[Period]:
        reads, options = self.job.reads, self.job.options
        first = reads.first_start(OBJECTS) or self.job.now
        due = reads.reconcile(OBJECTS, min(first, midnight(self.job.now)), options.reconcile)
        if self.new or due:
            first = self._earliest(first)
            self.earliest = floor_hour(first)
            return [Period(self.earliest, self.job.now)] if self.earliest < self.job.now else []
        self.earliest = first
        return [*reads.unread(OBJECTS, first), *reads.recent(OBJECTS, first, self.settings.lookback)]

    def _earliest(self, first: dt.datetime) -> dt.datetime:
        """Return before what no row was made, at the source or in raw."""
        known = [self.source.row(each.oldest())[0] for each in self.objects]
        known += self.job.reads.rows("select min(created_at) from raw.website_objects")[0]
        return min([first, *(at for at in known if at)])

    def count(self, reading: Reading) -> Rows:
        """Count each object; a new one's history with it, from the same snapshot."""
        queries = [each.count(self.job.now) for each in self.objects]
        queries += [each.history(self.oldest[each.name], self.job.now) for each in self.new if self.oldest[each.name]]
        return Rows(COUNT_TABLE, self._files(queries, "counts", reading), SAME_COUNT)

    def list_objects(self, reading: Reading) -> Rows:
        """List the new rows; where the read holds all of time the whole list, which tells what was deleted."""
        is_whole = self.earliest is not None and reading.periods[0].start <= self.earliest
        queries = [
            each.rows(each.created_at.within(reading.periods, self.settings.timezone), self.job.now)
            for each in self.objects
        ]
        files = self._files(queries, "objects", reading)
        if not is_whole:
            return Rows(OBJECT_TABLE, files, NOTHING, adds=UNKNOWN_OBJECT)
        for each, file in zip(self.objects, files, strict=True):
            label = each.label.replace("%", "%%")
            condition = f"deleted_seen_at is null and object = {label} and created_at >= %s and created_at < %s"
            self.job.guard(reading, f"{OBJECTS} of {each.name}", [file], OBJECT_TABLE.name, condition)
        reading.with_finish.append(self._mark_deleted)
        return Rows(OBJECT_TABLE, files, SAME_OBJECT)

    def _mark_deleted(self, cursor) -> None:
        cursor.execute(
            """
            update raw.website_objects
            set deleted_seen_at = %(now)s
            where deleted_seen_at is null and object = any(%(names)s) and seen_at < %(now)s
            """,
            {"now": self.job.now, "names": self.names},
        )

    def _files(self, queries: list[str], name: str, reading: Reading) -> list[CsvFile]:
        files = [
            file
            for number, query in enumerate(queries)
            for file in self.source.copy("objects", [query], self.job.folder, f"{name}_{number}")
        ]
        reading.row_count = sum(file.row_count for file in files)
        return files


def _find(source: Snapshot, name: str, settings: ObjectSettings, timezone: str) -> _Object:
    """Return the object with its table and columns found."""
    table = source.table(f"objects.{name}.table", settings.table)
    wanted = {"id": settings.id, "created_at": settings.created_at}
    if settings.user_id or source.has_column(table, "user_id"):
        wanted["user_id"] = settings.user_id or "user_id"
    columns = source.columns(f"objects.{name}.", table, wanted)
    source.check_type(f"objects.{name}.created_at", columns["created_at"], TIMES)
    # The key of a user's own row is the user's id.
    is_user = columns.get("user_id") == columns["id"]
    object_id = source.user_id(columns["id"]) if is_user else f"{columns['id'].name}::text"
    return _Object(
        name=name,
        label=source.literal(name),
        table=table,
        object_id=object_id,
        created_at=columns["created_at"],
        user_id=source.user_id(columns.get("user_id")),
        timezone=timezone,
    )
