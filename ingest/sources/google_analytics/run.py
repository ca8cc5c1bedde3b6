"""One run over all reports: some days of each are opened, asked for, loaded and finished, then the next ones.

So a run that a quota cuts, or that dies, keeps the days before, and the next goes on with the first that is missing.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

from ingest.errors import QuotaError, SourceError, of_streams
from ingest.hours import day_of
from ingest.job import Job, Result
from ingest.load import CsvFile, Rows, within_own_open_days, within_own_open_reads
from ingest.reads import Period, Reading
from ingest.sources.google_analytics.client import Client
from ingest.sources.google_analytics.streams import Reply, Stream
from ingest.sources.google_analytics.tables import DAY_TABLE, HOUR_TABLE, REJECT_TABLE

# Google answers ten requests of a property at once, to all who ask.
PARALLEL_REPORTS = 4


class Run:
    """What is due of each report, what was read of it, and what was not."""

    def __init__(self, job: Job, client: Client, streams: list[Stream], oldest: dt.datetime):
        """Take all that it needs; nothing before `oldest` is read."""
        self.job, self.client, self.streams, self.oldest = job, client, streams, oldest
        self.readings: dict[str, Reading] = {}
        self.failures: dict[str, SourceError] = {}
        self.doubts: defaultdict[str, set[str]] = defaultdict(set)
        self.rejects: Counter[str] = Counter()
        self.due_days = self.read_days = 0

    def read(self) -> None:
        """Read batch after batch, up to the quota's end."""
        for wanted in self._batches():
            with self.job.reads.reading(wanted, self.oldest) as readings:
                self._load(readings, self._ask(readings))
            self.client.quota.keep(self.job.reads, self.client.property_id)
            self._add(readings)
            if self.client.quota.error:
                return

    def result(self) -> Result:
        """Return what was read; raises SourceError where a report failed, else QuotaError where the quota ended."""
        if self.failures:
            raise of_streams(self.failures, f"{len(self.streams)} reports")
        if self.client.quota.error:
            kept = f"{self.read_days:,} of {self.due_days:,} days of reports were read and are kept"
            raise QuotaError(f"{kept}; {self.client.quota.error}")
        return Result.of(self.readings, self._notes())

    def _batches(self) -> Iterator[dict[str, list[Period]]]:
        """Yield stream -> some days that are due; nothing more of a stream that failed."""
        batches = {}
        for stream in self.streams:
            try:
                batches[stream.name] = stream.batches(self.job)
            except SourceError as error:
                self.failures[stream.name] = error
        self.due_days = sum(len(batch) for each in batches.values() for batch in each)
        for some in zip_longest(*batches.values(), fillvalue=()):
            wanted = {name: days for name, days in zip(batches, some, strict=True) if name not in self.failures}
            yield {name: list(days) for name, days in wanted.items() if days}

    def _ask(self, readings: dict[str, Reading]) -> dict[Stream, Reply]:
        due = [stream for stream in self.streams if stream.name in readings]
        self.job.say(f"asking {len(due)} reports")
        with ThreadPoolExecutor(PARALLEL_REPORTS) as pool:
            replies = pool.map(lambda stream: stream.ask(self.client, readings[stream.name]), due)
            return dict(zip(due, replies, strict=True))

    def _load(self, readings: dict[str, Reading], replies: dict[Stream, Reply]) -> None:
        """Load what was answered at once, one transaction a table."""
        good = [stream for stream in replies if self._accept(stream, readings[stream.name], replies[stream])]
        if not good:
            return
        is_first = all(readings[stream.name].is_first for stream in good)
        hours = [row for stream in good if stream.report.is_hourly for row in replies[stream].rows]
        days = [row for stream in good if not stream.report.is_hourly for row in replies[stream].rows]
        rejects = [row for stream in good for row in replies[stream].rejects]
        source, folder = self.job.source, self.job.folder
        self.job.load(
            [
                Rows.of(HOUR_TABLE, hours, folder, None if is_first else within_own_open_reads(source, "hour_at")),
                Rows.of(DAY_TABLE, days, folder, None if is_first else within_own_open_days(source, "date_day")),
                Rows.of(REJECT_TABLE, rejects, folder, None if is_first else within_own_open_reads(source, "day_at")),
            ]
        )

    def _accept(self, stream: Stream, reading: Reading, reply: Reply) -> bool:
        """Return whether there is something to load of a reply; what there is not stays open for the next run."""
        try:
            if reply.error and not reply.dates:
                raise reply.error
            if reply.error:
                self.job.reads.shorten(reading, stream.unanswered(reading, reply), reply.error)
                self._fail(stream, reply.error)
            self._believe(stream, reading, reply)
        except SourceError as error:
            self.job.reads.fail(reading, error)
            self._fail(stream, error)
            return False
        reading.row_count = len(reply.rows) + len(reply.rejects)
        self.read_days += len(reply.dates)
        self._note(stream, reply)
        return True

    def _fail(self, stream: Stream, error: SourceError) -> None:
        """Keep why a report was not read to its end; the quota's end is the run's, and no report's."""
        if not isinstance(error, QuotaError):
            self.failures[stream.name] = error

    def _believe(self, stream: Stream, reading: Reading, reply: Reply) -> None:
        """Raise SourceError where a reply would wipe most of what raw holds."""
        table, condition = HOUR_TABLE, "hour_at >= %s and hour_at < %s"
        if not stream.report.is_hourly:
            last = day_of("(%s - interval '1 microsecond')")
            table, condition = DAY_TABLE, f"date_day >= {day_of('%s')} and date_day <= {last}"
        found = [CsvFile(self.job.folder, len(reply.rows))]
        what = stream.name.replace(self.job.source, "reports")
        self.job.guard(reading, what, found, table.name, f"stream = '{stream.name}' and {condition}")

    def _note(self, stream: Stream, reply: Reply) -> None:
        """Keep what people should know of a read that went well."""
        if reply.doubts:
            self.doubts[stream.name] |= reply.doubts
        self.rejects[stream.name] += len(reply.rejects)

    def _add(self, readings: dict[str, Reading]) -> None:
        """Count what a batch has read, once it is finished."""
        for stream, reading in readings.items():
            if not reading.is_failed:
                total = self.readings.setdefault(stream, Reading(stream, [], is_first=False, read_ids=[]))
                total.periods += reading.periods
                total.row_count += reading.row_count

    def _notes(self) -> Iterator[str]:
        """Yield what people should know of reads that went well."""
        for stream, doubts in self.doubts.items():
            yield f"{stream}: estimated ({', '.join(sorted(doubts))})"
        for stream, count in self.rejects.items():
            if count:
                yield f"{stream}: {count:,} values are no numbers or of no hour: see raw.google_analytics_rejects"
