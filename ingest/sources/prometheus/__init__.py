"""Prometheus: queries of the settings, each a stream, one value an hour and series. See README.md in this folder."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from ingest import personal
from ingest.errors import SettingError, SourceError, of_streams
from ingest.hours import HOUR, ceil_midnight, floor_hour, hour_of, midnight
from ingest.job import Finding, Job, Result, Visit
from ingest.load import CsvFile, Rows, within_own_open_reads
from ingest.raw import Table
from ingest.reads import Period, Reading
from ingest.settings import SourceSettings, instant
from ingest.sources.prometheus.answers import Cell, Values, at_ends, check_asked, finite, increments, named, too_many
from ingest.sources.prometheus.client import Client, TooMuchError
from ingest.sources.prometheus.queries import QuerySettings, business_days, chunks, expected_samples, halves

SAMPLE_TABLE = Table(
    name="prometheus_samples",
    comment="One row per stream, labels and hour that has a value.",
    columns={
        "stream": "text",
        "metric": "text",
        "labels": "json",
        "hour_at": "timestamp",
        "value": "double",
        "sample_count": "bigint",
        "is_estimated": "bool",
    },
    required=frozenset({"stream", "metric", "labels", "hour_at", "value", "is_estimated"}),
    indexes=(f"(stream, {hour_of('hour_at')})", "(hour_at)"),
)
# A table of its own: a day is asked for over its own 23 to 25 hours, and no row of one grain is ever one of the other.
DAY_TABLE = Table(
    name="prometheus_days",
    comment="One row per stream, labels and business day that has a reported value.",
    columns={
        "stream": "text",
        "metric": "text",
        "labels": "json",
        "day_at": "timestamp",
        "value": "double",
    },
    required=frozenset({"stream", "metric", "labels", "day_at", "value"}),
    indexes=("(stream, day_at)",),
)
TABLES = [SAMPLE_TABLE, DAY_TABLE]
# An hour with fewer of the samples that it should have tells too little of itself.
ENOUGH = 0.5
PARALLEL_QUERIES = 4
# What comes of taking an answer for series that is none.
NOT_OF_PROMETHEUS = (AttributeError, IndexError, KeyError, TypeError, ValueError)

Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]*$")]


class PrometheusSettings(SourceSettings):
    """Settings of [sources.prometheus]; README.md says what each does."""

    url: str
    queries: dict[Name, QuerySettings] = Field(min_length=1)
    username: str | None = None
    password: str | None = None
    token: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    proxy: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    timeout_seconds: PositiveInt = 30
    settle_minutes: NonNegativeInt = 5
    lookback_hours: NonNegativeInt = 3
    scrape_seconds: PositiveInt | None = None
    start_at: Any = None
    keeps_days: PositiveInt = 15
    allow_personal: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_nobody(self) -> "PrometheusSettings":
        for name, query in self.queries.items():
            personal.check_names(f"queries.{name}.labels", query.labels, self.allow_personal)
        return self

    @model_validator(mode="after")
    def _one_query_a_metric(self) -> "PrometheusSettings":
        metrics = [query.metric for query in self.queries.values()]
        twice = next((metric for metric in metrics if metrics.count(metric) > 1), None)
        if twice:
            raise ValueError(f"queries: two give the metric {twice}, and a metric has one stream")
        return self

    @property
    def lookback(self) -> dt.timedelta:
        """How far back samples that came late are looked for."""
        return dt.timedelta(hours=self.lookback_hours)

    def oldest(self, now: dt.datetime) -> dt.datetime:
        """Return the start of the first business day that the server keeps whole."""
        return ceil_midnight(now - dt.timedelta(days=self.keeps_days))

    def start(self) -> dt.datetime | None:
        """Return `start_at` as an instant; raises SourceError where it is none."""
        return instant("prometheus", "start_at", self.start_at)

    def end(self, now: dt.datetime) -> dt.datetime:
        """Return until when hours are read: the last one has settled, since it is asked for once it is over."""
        return floor_hour(now - dt.timedelta(minutes=self.settle_minutes))


SETTINGS = PrometheusSettings


def read(job: Job, settings: PrometheusSettings) -> Result:
    """Read what is due of each query into raw.

    Raises SourceError, which names the setting and the cure; a query that fails stops no other.
    """
    job.say("connecting")
    client = Client(settings, job.company)
    version = client.version()
    streams = _streams(settings)
    notes = [f"Prometheus {version}"] if version else []
    notes += [stream.lost(job) for stream in streams]
    wanted = {stream.name: stream.periods(job) for stream in streams}
    with job.reads.reading(wanted, settings.oldest(job.now)) as readings:
        due = [stream for stream in streams if stream.name in readings]
        job.say(f"asking {len(due)} queries")
        with ThreadPoolExecutor(PARALLEL_QUERIES) as pool:
            answers = list(pool.map(lambda stream: stream.ask(client, readings[stream.name]), due))
        failures = _load(job, readings, dict(zip(due, answers, strict=True)))
    if failures:
        raise of_streams(failures, f"{len(due)} queries")
    notes += [note for answer in answers for note in answer.notes]
    return Result.of(readings, dict.fromkeys(filter(None, notes)))


def check(visit: Visit, settings: PrometheusSettings) -> list[Finding]:
    """Return how many series each query gives; raises SourceError where the server can't be reached."""
    settings.start()
    client = Client(settings, visit.company)
    client.version()
    return [Finding.of(stream.name, partial(stream.check, client, visit.now)) for stream in _streams(settings)]


@dataclass
class _Answer:
    """What a query gave: rows of both tables, or an error; and what people should know of it."""

    samples: list[tuple] = field(default_factory=list)
    days: list[tuple] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: SourceError | None = None


@dataclass(frozen=True, eq=False)
class _Stream:
    """One query: what is due of it, and its answer."""

    name: str
    query: QuerySettings
    settings: PrometheusSettings

    def lost(self, job: Job) -> str | None:
        """Return a line where the server forgot hours before they were read."""
        end, oldest = job.reads.last_end(self.name), self.settings.oldest(job.now)
        if end is None or end >= oldest:
            return None
        return (
            f"{self.name}: {end:%Y-%m-%d %H:%M} to {oldest:%Y-%m-%d %H:%M} UTC was not read in time and is lost, "
            f"since the server keeps {self.settings.keeps_days} days (keeps_days)"
        )

    def periods(self, job: Job) -> list[Period]:
        """Return what is due: whole hours that have settled; whole days where days are reported."""
        asked = [job.options.period] if job.options.period else self._due(job)
        found = [*job.reads.open_periods(self.name), *asked]
        end = self.settings.end(job.now)
        if self.query.is_reported:
            found = [Period(midnight(period.start), ceil_midnight(period.end)) for period in found]
        return [Period(period.start, min(period.end, end)) for period in found if period.start < end]

    def _due(self, job: Job) -> list[Period]:
        oldest = self.settings.oldest(job.now)
        start = self.settings.start() or job.reads.first_start(self.name) or oldest
        start = ceil_midnight(start) if self.query.is_reported else floor_hour(start)
        since = max(start, job.reads.reconcile_start(self.name), oldest)
        return [
            *job.reads.unread(self.name, start),
            *job.reads.recent(self.name, start, self.settings.lookback),
            *job.reads.reconcile(self.name, since, job.options.reconcile),
        ]

    def ask(self, client: Client, reading: Reading) -> _Answer:
        """Return all rows of a reading; an error is part of the answer, since the other queries go on."""
        answer = _Answer()
        try:
            self._guard(client, reading)
            for period in chunks(reading.periods, self.query.most_hours):
                answer.samples += self._in_parts(client, period, answer)
            if self.query.is_reported:
                for day in business_days(reading.periods):
                    answer.days += self._day(client, day, answer)
        except SourceError as error:
            answer.error = error
        except TooMuchError as error:
            answer.error = SourceError(
                f"expr: the server can't answer it ({error}): choose fewer series, or raise timeout_seconds"
            )
        except NOT_OF_PROMETHEUS:
            answer.error = SourceError(
                "[sources.prometheus] url: the answer is JSON, and not of the form that Prometheus gives: "
                "another program in its place? Write what stands before /api/v1"
            )
        return answer

    def check(self, client: Client, now: dt.datetime) -> str:
        """Ask for the last hour as read() does; returns what came, in a line, and raises the answer's error."""
        end = self.settings.end(now)
        answer = self.ask(client, Reading(self.name, [Period(end - HOUR, end)], is_first=True, read_ids=[]))
        if answer.error:
            raise answer.error
        hour = f"in the hour from {end - HOUR:%Y-%m-%d %H:%M} UTC"
        if not answer.samples:
            return f"no series {hour}; where there should be some, correct expr"
        return "; ".join(dict.fromkeys([f"{len(answer.samples):,} series {hour}", *answer.notes]))

    def _guard(self, client: Client, reading: Reading) -> None:
        """Count the series before any is read: thousands would fill this machine's memory."""
        with suppress(TooMuchError):  # then the answer itself is counted
            found, _ = client.vector(self.query.series_count(), reading.periods[-1].end)
            count = int(float(found[0]["value"][1])) if found else 0
            if count > self.query.max_series:
                raise SourceError(too_many(count, self.query))

    def _in_parts(self, client: Client, period: Period, answer: _Answer) -> Iterator[tuple]:
        """Yield the rows of a period; what the server can't answer at once is asked for in halves."""
        try:
            yield from self._hours(client, period, answer)
        except TooMuchError:
            parts = halves(period)
            if not parts:
                raise
            for part in parts:
                yield from self._in_parts(client, part, answer)

    def _hours(self, client: Client, period: Period, answer: _Answer) -> list[tuple]:
        if self.query.is_exact:
            series = self._asked_for(client.samples(self.query.samples(period.hours), period.end), answer)
            values, counts = increments(series, period)
        else:
            values = check_asked(at_ends(self._asked_for(client.matrix(self.query.hourly(), period), answer)), period)
            promql = self.query.sample_counts()
            counts = at_ends(self._asked_for(client.matrix(promql, period), answer)) if promql else {}
        return [
            (*self._cell(cell, value), *self._counted(counts.get(cell, 0)))
            for cell, value in self._finite(values, answer).items()
        ]

    def _day(self, client: Client, day: Period, answer: _Answer) -> list[tuple]:
        series = self._asked_for(client.vector(self.query.daily(day), day.end), answer)
        values = self._finite(check_asked(at_ends(series, day.end - day.start), day), answer)
        return [self._cell(cell, value) for cell, value in values.items()]

    def _cell(self, cell: Cell, value: float) -> tuple:
        labels, at = cell
        return self.name, self.query.metric, labels, _text(at), repr(value)

    def _asked_for(self, found: tuple[list[dict], list[str]], answer: _Answer) -> dict[str, list[dict]]:
        series, warnings = found
        answer.notes += [f"{self.name}: {warning}" for warning in warnings]
        found = named(self.query, series)
        refused = personal.in_labels(found, self.settings.allow_personal)
        if refused:
            raise SettingError(f"labels: {refused}")
        return found

    def _finite(self, values: Values, answer: _Answer) -> Values:
        found = finite(values)
        if len(found) < len(values):
            answer.notes.append(f"{self.name}: NaN and Inf are not stored")
        return found

    @cached_property
    def _fewest(self) -> float:
        """How many samples an hour's value needs: one that is a sample itself, no other."""
        return 0 if self.query.value == "last" else ENOUGH * expected_samples(self.settings.scrape_seconds)

    def _counted(self, count: float) -> tuple[int | None, bool]:
        """Return how many samples an hour's value is made of, and whether they are too few."""
        if self.query.is_reported:
            return None, False
        return int(count), count < self._fewest


@lru_cache(maxsize=4096)  # all series of an answer share its hours
def _text(at: dt.datetime) -> str:
    return at.isoformat()


def _streams(settings: PrometheusSettings) -> list[_Stream]:
    return [_Stream(f"prometheus.{name}", query, settings) for name, query in settings.queries.items()]


def _load(job: Job, readings: dict[str, Reading], answers: dict[_Stream, _Answer]) -> dict[str, SourceError]:
    """Load all answers at once; returns stream -> why it was not read."""
    failures = {}
    for stream, answer in answers.items():
        reading = readings[stream.name]
        reading.row_count = len(answer.samples) + len(answer.days)
        try:
            if answer.error:
                raise answer.error
            _believe(job, stream, reading, answer)
        except SourceError as error:
            job.reads.fail(reading, error)
            failures[stream.name] = error
    good = [stream for stream in answers if stream.name not in failures]
    if good:
        is_first = all(readings[stream.name].is_first for stream in good)
        samples = [row for stream in good for row in answers[stream].samples]
        days = [row for stream in good for row in answers[stream].days]
        source, folder = job.source, job.folder
        job.load(
            [
                Rows.of(SAMPLE_TABLE, samples, folder, None if is_first else within_own_open_reads(source, "hour_at")),
                Rows.of(DAY_TABLE, days, folder, None if is_first else within_own_open_reads(source, "day_at")),
            ]
        )
    return failures


def _believe(job: Job, stream: _Stream, reading: Reading, answer: _Answer) -> None:
    """Raise SourceError where an answer would wipe most of what raw holds."""
    for table, rows, time in ((SAMPLE_TABLE, answer.samples, "hour_at"), (DAY_TABLE, answer.days, "day_at")):
        condition = f"stream = '{stream.name}' and {time} >= %s and {time} < %s"
        job.guard(reading, stream.name, [CsvFile(job.folder, len(rows))], table.name, condition)
