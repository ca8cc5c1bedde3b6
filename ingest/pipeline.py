"""Runs the chosen sources side by side, each with its own connection: one that fails stops no other."""

import datetime as dt
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import psycopg2

from ingest import loader, settings
from ingest.errors import (
    QuotaError,
    SettingError,
    SetupError,
    SourceError,
    is_disk_full,
    of_disk,
    of_warehouse,
    reason_of,
)
from ingest.hours import business_timezone, check_zone
from ingest.job import Job, Options, Result
from ingest.progress import Progress
from ingest.raw import claim, prepare
from ingest.reads import LockedError, Reads, now
from ingest.sources import SOURCES, all_tables
from ingest.texts import one_line

YEAR = dt.timedelta(days=366)


@dataclass(frozen=True)
class Outcome:
    """How a source's run ended: ok, failed, quota or off; a line for people."""

    source: str
    outcome: str
    message: str
    is_hopeless: bool = False  # failed, and will again until a person has changed something


def run(names: list[str], options: Options, progress: Progress) -> list[Outcome]:
    """Read the named sources (all, if none is named); returns their outcomes in order.

    Raises SetupError where nothing can be tried: unknown source, unreadable settings, no warehouse.
    """
    unknown = sorted(set(names) - set(SOURCES))
    if unknown:
        raise SetupError(f"there is no source {unknown[0]!r}; there are: {', '.join(SOURCES)}")
    company = settings.company()
    settings.check_sections(SOURCES)
    started_at = prepare_warehouse(company)
    if options.period and options.period.start >= started_at:
        raise SetupError(f"--from {options.period.start:%Y-%m-%d %H:%M} UTC is yet to come: nothing can be read of it")
    current = _Run(company, started_at, options, progress)
    chosen = list(dict.fromkeys(names)) or list(SOURCES)
    with progress, ThreadPoolExecutor(len(chosen)) as pool:
        return list(pool.map(current.source, chosen))


def prepare_warehouse(company: str) -> dt.datetime:
    """Make what is missing of the warehouse's tables, claim it for the company; returns the run's clock.

    Raises SetupError where the warehouse does not answer, refuses, or is another company's.
    """
    try:
        with closing(loader.connect()) as connection:
            started_at = now(connection)
            check_zone(business_timezone(), started_at, started_at + YEAR)
            prepare(connection, all_tables())
            claim(connection, company)
            return started_at
    except psycopg2.Error as error:
        raise SetupError(
            f"the warehouse refused: {reason_of(error)}; is it the right one (WAREHOUSE_*, profiles.yml)?"
        ) from error


@dataclass(frozen=True)
class _Run:
    """One run: what its sources have in common."""

    company: str
    started_at: dt.datetime
    options: Options
    progress: Progress

    def source(self, source: str) -> Outcome:
        """Read a source under its lock, with a row in ops.runs and a line for people."""
        try:
            with closing(loader.connect()) as connection:
                outcome = self._logged(source, Reads(connection, source, self.started_at))
        except (LockedError, SetupError) as error:
            # The run that holds the lock has a row of its own in ops.runs; this one was none.
            outcome = Outcome(source, "failed", str(error))
        except psycopg2.Error as error:
            outcome = Outcome(source, "failed", str(of_warehouse(error)))
        self.progress.done(source, outcome.outcome, outcome.message)
        return outcome

    def _logged(self, source: str, reads: Reads) -> Outcome:
        (run_id,) = reads.rows("insert into ops.runs (source) values (%s) returning run_id", source)[0]
        outcome = self._attempt(source, reads)
        # A server's own words may stand in it.
        outcome = replace(outcome, message=one_line(outcome.message))
        # Where the warehouse is gone the row stays open, which is what happened.
        with suppress(psycopg2.Error), reads.connection.cursor() as cursor:
            cursor.execute(
                """
                update ops.runs
                set finished_at = clock_timestamp(), outcome = %s, message = %s, byte_count = %s
                where run_id = %s
                """,
                (outcome.outcome, outcome.message, reads.byte_count, run_id),
            )
        return outcome

    def _attempt(self, source: str, reads: Reads) -> Outcome:
        if not settings.is_on(source):
            return Outcome(source, "off", "not configured, or enabled = false")
        started = perf_counter()
        try:
            result = self._read(source, reads)
        except QuotaError as error:
            return Outcome(source, "quota", str(error))
        except (SourceError, SetupError) as error:
            return Outcome(source, "failed", str(error), isinstance(error, SettingError))
        except psycopg2.Error as error:
            # A source's own are SourceErrors.
            return Outcome(source, "failed", str(of_warehouse(error)))
        except Exception as error:
            if is_disk_full(error):
                return Outcome(source, "failed", str(of_disk(error)))
            # What nobody foresaw deserves its traceback; the other sources go on.
            traceback.print_exc()
            return Outcome(source, "failed", f"unexpected {type(error).__name__}: {error}")
        seconds = perf_counter() - started
        done = f"{result.row_count:,} rows, {seconds:.1f} s, {result.hours:,} hours touched"
        return Outcome(source, "ok", "; ".join((done, *result.notes, *self._closed(reads))))

    def _closed(self, reads: Reads) -> list[str]:
        """Return what to know where hours were asked for whose rows were pruned."""
        closed_until = reads.closed_until() if self.options.period else None
        if closed_until is None or closed_until <= self.options.period.start:
            return []
        return [f"hours before {closed_until:%Y-%m-%d %H:%M} UTC are closed (make prune): no number of theirs changes"]

    def _read(self, source: str, reads: Reads) -> Result:
        module = SOURCES[source]
        resolved = settings.resolve(source, module.SETTINGS)
        with tempfile.TemporaryDirectory(prefix=f"ingest-{source}-") as folder:
            job = Job(
                source=source,
                company=self.company,
                warehouse=loader.target(),
                now=self.started_at,
                say=self.progress.step(source),
                reads=reads,
                options=self.options,
                folder=Path(folder),
            )
            return module.read(job, resolved)
