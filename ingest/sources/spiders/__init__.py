"""Spiders: what each of them said of its workers, read whole hours at a time. See README.md in this folder."""

import datetime as dt
from typing import Any

from pydantic import Field, PositiveInt

from ingest.errors import SettingError
from ingest.hours import ceil_hour, floor_hour, hour_of
from ingest.job import Finding, Job, Result, Visit
from ingest.raw import Table
from ingest.reads import BEGINNING, Period
from ingest.settings import PostgresSettings, instant
from ingest.sources.postgres import TIMES, Column, Snapshot, check_table, load_periods, parts, snapshot

STREAM = "spiders.statuses"
TABLE = Table(
    name="spiders_statuses",
    comment="One row per status report of a spider.",
    columns={
        "spider_id": "text",
        "spider": "text",
        "workers": "json",
        "reported_at": "timestamp",
    },
    required=frozenset({"spider_id", "spider", "reported_at"}),
    # For models, in equality joins by hour, and for the replacement of a period.
    indexes=(f"({hour_of('reported_at')})",),
)
TABLES = [TABLE]
# Our column -> what it is called where nothing else is said, by table.
STATUS_COLUMNS = {"spider_id": "spider_id", "workers": "attributes", "reported_at": "created_at"}
SPIDER_COLUMNS = {"id": "id", "spider": "value"}
COLUMNS = STATUS_COLUMNS | SPIDER_COLUMNS


class SpidersSettings(PostgresSettings):
    """Settings of [sources.spiders]; README.md says what each does."""

    status_table: str = "spider_status"
    spider_table: str = "spider"
    columns: dict[str, str] = Field(default_factory=dict)
    stage_key: str = "stage"
    start_at: Any = None
    keeps_days: PositiveInt | None = None

    def oldest(self, now: dt.datetime) -> dt.datetime:
        """Return the instant before which the source keeps nothing."""
        return now - dt.timedelta(days=self.keeps_days) if self.keeps_days else BEGINNING


SETTINGS = SpidersSettings


def read(job: Job, settings: SpidersSettings) -> Result:
    """Read what is due of the stream into raw; raises SourceError, which names the setting and the cure."""
    with snapshot(job, settings) as source:
        statuses = _Statuses(source, settings)
        periods = _periods(job, settings, statuses.start(job))
        with job.reads.reading({STREAM: periods}, settings.oldest(job.now)) as readings:
            for reading in readings.values():
                load_periods(job, source, reading, TABLE, "reported_at", statuses.queries(reading.periods))
        return Result.of(readings)


def check(visit: Visit, settings: SpidersSettings) -> list[Finding]:
    """Return what there is to read; raises SourceError where the database can't be reached."""
    with snapshot(visit, settings) as source:

        def find() -> tuple[str, Column, dt.datetime | None]:
            statuses = _Statuses(source, settings)
            return statuses.statuses, statuses.reported_at, statuses.start_at

        return [check_table(visit, source, STREAM, find)]


def _periods(job: Job, settings: SpidersSettings, start: dt.datetime) -> list[Period]:
    if job.options.period:
        return [job.options.period]
    since = max(start, job.reads.reconcile_start(STREAM), ceil_hour(settings.oldest(job.now)))
    return [
        *job.reads.unread(STREAM, start),
        *job.reads.recent(STREAM, start, settings.lookback),
        *job.reads.reconcile(STREAM, since, job.options.reconcile),
    ]


class _Statuses:
    """The source's two tables: their columns checked, and the queries that read them."""

    def __init__(self, source: Snapshot, settings: SpidersSettings):
        self.source, self.settings = source, settings
        self.start_at = instant("spiders", "start_at", settings.start_at)
        unknown = sorted(set(settings.columns) - set(COLUMNS))
        if unknown:
            raise SettingError(
                f"[sources.spiders] columns.{unknown[0]}: no such column; there are: {', '.join(COLUMNS)}"
            )
        self.statuses = source.table("status_table", settings.status_table)
        self.spiders = source.table("spider_table", settings.spider_table)
        self.columns = self._columns(self.statuses, STATUS_COLUMNS) | self._columns(self.spiders, SPIDER_COLUMNS)
        source.check_type("columns.workers", self.columns["workers"], ("jsonb", "json"))
        source.check_type("columns.reported_at", self.reported_at, TIMES)

    def _columns(self, table: str, ours: dict[str, str]) -> dict[str, Column]:
        """Return our name -> column, with its table's name before it, since two tables are joined."""
        wanted = ours | {key: name for key, name in self.settings.columns.items() if key in ours}
        found = self.source.columns("columns.", table, wanted)
        return {key: Column(f"{table}.{column.name}", column.type) for key, column in found.items()}

    @property
    def reported_at(self) -> Column:
        return self.columns["reported_at"]

    def start(self, job: Job) -> dt.datetime:
        """Return from when on reports are read: the setting, what was read first, or the oldest report."""
        first = self.start_at or job.reads.first_start(STREAM)
        return first or floor_hour(self.source.oldest(self.statuses, self.reported_at) or job.now)

    def queries(self, periods: list[Period]) -> list[str]:
        """Return the queries for the reports of some periods, one a file."""
        return [
            f"select {self._select()} from {self.statuses} left join {self.spiders} "
            f"on {self.columns['id'].name}::text = {self.columns['spider_id'].name}::text "
            f"where {self.reported_at.within(part, self.settings.timezone)}"
            for part in parts(periods)
        ]

    def _select(self) -> str:
        spider_id = f"{self.columns['spider_id'].name}::text"
        values = {
            "spider_id": f"coalesce({spider_id}, '')",
            "spider": f"coalesce({self.columns['spider'].name}::text, {spider_id}, '')",
            "workers": self._workers(),
            "reported_at": self.reported_at.instant(self.settings.timezone),
        }
        return ", ".join(f"{value} as {column}" for column, value in values.items())

    def _workers(self) -> str:
        """Return the SQL for the stages of a list of workers; of what is something else only its JSON type.

        What else the document holds never leaves the source.
        """
        document = f"{self.columns['workers'].name}::jsonb"
        key = self.source.literal(self.settings.stage_key)
        worker = (
            "case jsonb_typeof(worker) "
            f"when 'object' then jsonb_strip_nulls(jsonb_build_object('stage', worker -> {key})) "
            "else to_jsonb(jsonb_typeof(worker)) end"
        )
        listed = (
            f"select coalesce(jsonb_agg({worker} order by position), '[]') "
            f"from jsonb_array_elements({document}) with ordinality as workers (worker, position)"
        )
        return f"case jsonb_typeof({document}) when 'array' then ({listed}) else to_jsonb(jsonb_typeof({document})) end"
