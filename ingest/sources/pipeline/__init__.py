"""The pipeline's own log: runs, reads, dbt's nodes, sizes of tables. See README.md in this folder.

Its source is the warehouse itself, so no row leaves it: what it reads is written in the transaction that finishes
the read, without dlt.
"""

import datetime as dt
from functools import partial

from pydantic import PositiveInt

from ingest.hours import HOUR, floor_hour, hour_of, midnight
from ingest.job import Finding, Job, Result, Visit
from ingest.raw import Table
from ingest.reads import RECONCILE, Period, Reading
from ingest.settings import SourceSettings
from ingest.sources.pipeline.measures import LOGGED, TABLE_BYTES, Measure
from ingest.sources.pipeline.retention import prune

LOG, SIZES = "pipeline.log", "pipeline.tables"
TABLE = Table(
    name="pipeline_samples",
    comment="One row per stream, metric, labels and hour, and of a duration its value.",
    columns={
        "stream": "text",
        "metric": "text",
        "labels": "json",
        "hour_at": "timestamp",
        "value": "double",
        "sample_count": "bigint",
    },
    required=frozenset({"stream", "metric", "labels", "hour_at", "value", "sample_count"}),
    indexes=(f"(stream, {hour_of('hour_at')})",),
)
TABLES = [TABLE]
# A run, or a build, that ends later than this after its hour is not in the hour's numbers.
LOOKBACK = 3 * HOUR


class PipelineSettings(SourceSettings):
    """Settings of [sources.pipeline]; README.md says what each does."""

    keeps_days: PositiveInt = 90

    @property
    def keeps(self) -> dt.timedelta:
        """How long the log is kept."""
        return dt.timedelta(days=self.keeps_days)


SETTINGS = PipelineSettings


def read(job: Job, settings: PipelineSettings) -> Result:
    """Read what is due of the log into raw; once a business day sample the tables' sizes, and prune the log."""
    job.say("reading")
    wanted = {LOG: _log_periods(job), SIZES: _sampled_periods(job)}
    with job.reads.reading(wanted, job.now - settings.keeps) as readings:
        for stream, reading in readings.items():
            if stream == LOG:
                reading.with_finish.append(partial(_replace, reading))
            else:
                reading.with_finish.append(partial(_sample, reading, job.now))
                reading.with_finish.append(partial(prune, now=job.now, keeps=settings.keeps))
    return Result.of(readings)


def check(visit: Visit, settings: PipelineSettings) -> list[Finding]:
    """Return what is kept: the warehouse has been reached before any source is checked."""
    return [Finding("log", f"kept for {settings.keeps_days} days")]


def _log_periods(job: Job) -> list[Period]:
    if job.options.period:
        return [job.options.period]
    # Whatever ran before the first read was no run of a pipeline that watches itself.
    start = job.reads.first_start(LOG) or floor_hour(job.now) - HOUR
    lookback = RECONCILE if job.options.reconcile else LOOKBACK
    return [*job.reads.unread(LOG, start), *job.reads.recent(LOG, start, lookback)]


def _sampled_periods(job: Job) -> list[Period]:
    """Return the time since the last sample, in the first run of a business day."""
    last = job.reads.last_started(SIZES)
    if last and midnight(last) >= midnight(job.now):
        return []
    return [Period(floor_hour(job.reads.last_end(SIZES) or job.now - HOUR), job.now)]


def _replace(reading: Reading, cursor) -> None:
    """Write the log's measures of what is read, in place of those that are there."""
    for period in reading.periods:
        hours = {"stream": LOG, "start": period.start, "end": period.end}
        cursor.execute(
            f"delete from {TABLE.full_name} where stream = %(stream)s "
            f"and {hour_of('hour_at')} >= %(start)s and {hour_of('hour_at')} < %(end)s",
            hours,
        )
        reading.row_count += sum(_write(cursor, measure, hours) for measure in LOGGED)


def _sample(reading: Reading, now: dt.datetime, cursor) -> None:
    """Write how large each table is, into the hour of the run."""
    reading.row_count = _write(cursor, TABLE_BYTES, {"stream": SIZES, "at": now})


def _write(cursor, measure: Measure, parameters: dict) -> int:
    """Write what a measure gives; returns how many rows. A log that dbt has not made yet gives none."""
    cursor.execute("select to_regclass(%s) is not null", (measure.table,))
    (is_there,) = cursor.fetchone()
    if not is_there:
        return 0
    cursor.execute(
        f"insert into {TABLE.full_name} (stream, metric, labels, hour_at, value, sample_count) "
        "select %(stream)s, %(metric)s, measured.labels, measured.hour_at, measured.value, measured.sample_count "
        f"from ({measure.query}) measured",
        {"metric": measure.metric} | parameters,
    )
    return cursor.rowcount
