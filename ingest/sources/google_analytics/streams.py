"""A report as a stream: which of its days are due, in which batches, and what Google answers for them."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from ingest import personal
from ingest.errors import SettingError, SourceError
from ingest.job import Job
from ingest.reads import Period, Reading, Reads
from ingest.sources.google_analytics.answers import Answer, parse
from ingest.sources.google_analytics.client import Client
from ingest.sources.google_analytics.days import DAY, Days, Times, check_hours, times_of_day, times_of_hours
from ingest.sources.google_analytics.queries import page
from ingest.sources.google_analytics.reports import ReportSettings
from ingest.sources.google_analytics.settings import GoogleAnalyticsSettings
from ingest.sources.google_analytics.slices import read_slice

# The first load of a stream, where start_at says nothing.
FIRST_DAYS = 90
# A load takes half a second whatever it holds; a run that dies loses no more than these.
BATCH_DAYS = 10


@dataclass
class Reply:
    """What Google answered for the days of a reading, up to an error."""

    dates: list[dt.date] = field(default_factory=list)
    rows: list[tuple] = field(default_factory=list)
    rejects: list[tuple] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)  # why Google calls some of it nearly right
    error: SourceError | None = None


@dataclass(frozen=True, eq=False)
class Stream:
    """One report of a property whose zone is known."""

    name: str
    report: ReportSettings
    settings: GoogleAnalyticsSettings
    zone: ZoneInfo
    now: dt.datetime

    @cached_property
    def days(self) -> Days:
        """The days that it is read by."""
        return (Days.of_hours if self.report.is_hourly else Days.of_dates)(self.zone, self.now)

    def batches(self, job: Job) -> list[list[Period]]:
        """Return what is due, the oldest first but for what a run left open, which any read repeats.

        Raises SourceError where the property's hours are none of business time.
        """
        opened = self._kept(job.reads.open_periods(self.name))
        asked = [job.options.period] if job.options.period else self._due(job)
        rest = [date for date in self._kept(asked) if date not in opened]
        if self.report.is_hourly:
            check_hours([*opened, *rest], self.zone)
        batches = [opened, *(rest[first : first + BATCH_DAYS] for first in range(0, len(rest), BATCH_DAYS))]
        return [[self.days.period(date) for date in batch] for batch in batches if batch]

    def ask(self, client: Client, reading: Reading) -> Reply:
        """Return all days of a reading; an error is part of the reply, since the other reports go on."""
        reply = Reply()
        try:
            for date in self.days.dates(reading.periods):
                self._add(reply, reading, date, self._answer(client, date))
        except SourceError as error:
            reply.error = error
        return reply

    def unanswered(self, reading: Reading, reply: Reply) -> dt.datetime:
        """Return from when on a reading got no answer."""
        return self.days.start(self.days.dates(reading.periods)[len(reply.dates)])

    def check(self, client: Client) -> str:
        """Ask for a row of yesterday; returns what came, in a line, and raises SourceError as read() does."""
        yesterday = self.days.date(self.now) - DAY
        if self.report.is_hourly:
            check_hours([yesterday], self.zone)
        answer = client.report(page(self.report, client.property_id, yesterday, limit=1))
        parsed = parse(self.report, [answer], self._times(yesterday))
        doubts = {*parsed.doubts, *("another zone's days" for *_, is_near in parsed.cells if is_near)}
        estimated = f"; estimated ({', '.join(sorted(doubts))})" if doubts else ""
        return f"{answer.row_count:,} rows on {yesterday}{estimated}"

    def _answer(self, client: Client, date: dt.date) -> Answer:
        answer = parse(self.report, read_slice(client, self.report, date), self._times(date))
        labels = {labels for _, labels, *_ in answer.cells} | {labels for labels, *_ in answer.rejects}
        refused = personal.in_labels(labels, self.settings.allow_personal)
        if refused:
            raise SettingError(f"dimensions: {refused}")
        return answer

    def _times(self, date: dt.date) -> Times:
        return (times_of_hours if self.report.is_hourly else times_of_day)(date, self.zone)

    def _add(self, reply: Reply, reading: Reading, date: dt.date, answer: Answer) -> None:
        """Add a day's rows as raw has them, but for those of hours that the reading does not hold: the open one."""
        held = {at for _, _, at, *_ in answer.cells if not self.report.is_hourly or reading.holds(at)}
        is_doubtful = bool(answer.doubts)
        reply.rows += [
            (self.name, metric, labels, at, value, is_near or is_doubtful)
            for metric, labels, at, value, is_near in answer.cells
            if at in held
        ]
        day_at = self.days.start(date)
        if reading.holds(day_at):
            reply.rejects += [(self.name, date, day_at, *reject) for reject in answer.rejects]
        reply.doubts |= answer.doubts
        reply.dates.append(date)

    def _kept(self, periods: list[Period]) -> list[dt.date]:
        oldest = self.settings.oldest(self.now)
        return [date for date in self.days.dates(periods) if self.days.start(date) >= oldest]

    def _due(self, job: Job) -> list[Period]:
        reads, start = job.reads, self.days.start(self._first_day(job.reads))
        since = max(start, reads.reconcile_start(self.name), self.settings.oldest(self.now))
        return [
            *reads.unread(self.name, start),
            *self._moving(reads, start),
            *reads.reconcile(self.name, since, job.options.reconcile),
        ]

    def _first_day(self, reads: Reads) -> dt.date:
        first = reads.first_start(self.name)
        if self.settings.start_at or first is None:
            return self.settings.start_at or self.days.date(self.now - FIRST_DAYS * DAY)
        return self.days.first(first)

    def _moving(self, reads: Reads, start: dt.datetime) -> list[Period]:
        """Return the days that could still move when they were last read."""
        last = reads.last_started(self.name)
        if last is None:
            return []
        own = self.report.lookback_days
        lookback = self.settings.lookback_days if own is None else own
        since = max(start, self.days.start(self.days.date(min(last, self.now)) - lookback * DAY))
        return [Period(since, self.now)] if since < self.now else []
