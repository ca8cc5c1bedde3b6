"""Runs the chosen sources side by side, each with its own connection: one that fails stops no other."""

import datetime as dt
import tempfile
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg2

from ingest import settings, warehouse
from ingest.errors import SetupError, SourceError
from ingest.hours import business_timezone, check_zone
from ingest.job import Job, Options, Result
from ingest.progress import Progress
from ingest.raw import claim, prepare
from ingest.reads import LockedError, Reads, now
from ingest.sources import SOURCES

YEAR = dt.timedelta(days=366)


@dataclass(frozen=True)
class Outcome:
    """How a source's run ended: ok, failed, quota or off; a line for people."""

    source: str
    outcome: str
    message: str


def run(names: list[str], options: Options, progress: Progress) -> list[Outcome]:
    """Read the named sources (all, if none is named); returns their outcomes in order.

    Raises SetupError where nothing can be tried: unknown source, unreadable settings, no warehouse.
    """
    unknown = sorted(set(names) - set(SOURCES))
    if unknown:
        raise SetupError(f"there is no source {unknown[0]!r}; there are: {', '.join(SOURCES)}")
    company = settings.company()
    settings.check_sections(SOURCES)
    connection = warehouse.connect()
    try:
        started_at = now(connection)
        check_zone(business_timezone(), started_at, started_at + YEAR)
        prepare(connection, [table for source in SOURCES.values() for table in source.TABLES])
        claim(connection, company)
    except psycopg2.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise SetupError(
            f"the warehouse refused: {reason}; is it the right one (WAREHOUSE_*, profiles.yml)?"
        ) from error
    finally:
        connection.close()

    def run_one(source: str) -> Outcome:
        return _run_source(source, company, started_at, options, progress)

    chosen = list(dict.fromkeys(names)) or list(SOURCES)
    with progress, ThreadPoolExecutor(len(chosen)) as pool:
        return list(pool.map(run_one, chosen))


def _run_source(source: str, company: str, started_at, options: Options, progress: Progress) -> Outcome:
    connection = warehouse.connect()
    try:
        outcome = _locked(source, company, started_at, options, progress, connection)
    except LockedError as error:
        # The run that holds the lock has a row of its own in ops.runs; this one was none.
        outcome = Outcome(source, "failed", str(error))
    finally:
        connection.close()
    progress.done(source, outcome.outcome, outcome.message)
    return outcome


def _locked(source, company, started_at, options, progress, connection) -> Outcome:
    reads = Reads(connection, source, started_at)
    (run_id,) = reads.rows("insert into ops.runs (source) values (%s) returning run_id", source)[0]
    if settings.is_on(source):
        outcome = _attempt(source, lambda say: _read(source, company, reads, options, say), progress.step(source))
    else:
        outcome = Outcome(source, "off", "not configured, or enabled = false")
    close_run(connection, run_id, outcome)
    return outcome


def _attempt(source: str, read: Callable[[Callable], Result], say: Callable[[str], None]) -> Outcome:
    started = perf_counter()
    try:
        result = read(say)
    except (SourceError, SetupError) as error:
        return Outcome(source, "failed", str(error))
    except Exception as error:
        # What nobody foresaw deserves its traceback; the other sources go on.
        traceback.print_exc()
        return Outcome(source, "failed", f"unexpected {type(error).__name__}: {error}")
    seconds = perf_counter() - started
    return Outcome(source, "ok", f"{result.row_count:,} rows, {seconds:.1f} s, {result.hours:,} hours touched")


def _read(source: str, company: str, reads: Reads, options: Options, say: Callable[[str], None]) -> Result:
    module = SOURCES[source]
    resolved = settings.resolve(source, module.SETTINGS)
    with tempfile.TemporaryDirectory(prefix=f"ingest-{source}-") as folder:
        job = Job(source, company, reads, warehouse.target(), options, Path(folder), say)
        return module.read(job, resolved)


def close_run(connection, run_id: int, outcome: Outcome) -> None:
    """Close a row of ops.runs; where the warehouse is gone it stays open, which is what happened."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "update ops.runs set finished_at = clock_timestamp(), outcome = %s, message = %s where run_id = %s",
                (outcome.outcome, outcome.message, run_id),
            )
    except psycopg2.Error:
        pass
