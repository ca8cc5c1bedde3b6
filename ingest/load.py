"""The only place that knows dlt: CSV files in, rows of a raw table out."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# dlt reads these while it is imported or when a pipeline starts. The warehouse is the only memory
# (nothing is restored), finished files go at once, gzip costs 4x the CPU of writing the rows (measured). What dlt logs
# of an error is a traceback; what it raises becomes a line. A file is loaded once: where a connection is lost, its rows
# may have been committed, and a second try would double them. The next run replaces them.
os.environ.update(
    RUNTIME__DLTHUB_TELEMETRY="false",
    RUNTIME__LOG_LEVEL="CRITICAL",
    RESTORE_FROM_DESTINATION="false",
    LOAD__DELETE_COMPLETED_JOBS="true",
    LOAD__WORKERS="2",
    LOAD__RAISE_ON_MAX_RETRIES="1",
    DATA_WRITER__DISABLE_COMPRESSION="true",
    DESTINATION__POSTGRES__CREATE_INDEXES="false",
)

import dlt
import dlt.destinations.impl.postgres.postgres as dlt_postgres
from dlt.destinations.impl.postgres.configuration import PostgresCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from ingest.errors import SourceError, is_disk_full, of_disk, reason_of
from ingest.hours import day_of, hour_of
from ingest.raw import Table
from ingest.warehouse import Target

# Its only use is the list of FORCE_NULL columns, which would turn '' into NULL. COPY writes the two apart.
dlt_postgres.is_nullable_column = lambda column: False


@dataclass(frozen=True)
class CsvFile:
    """A CSV file with a header, as COPY writes it."""

    path: Path
    row_count: int


@dataclass(frozen=True)
class Rows:
    """What to load into a table: files, and which rows of the table they replace.

    `replaces` is an SQL condition on the table's rows, `{table}` and `{staging_table}` being filled in by dlt;
    None only adds. `adds` is a condition on the new rows. Both are constant texts: dlt stores them with its
    schema, and would store a new version of 4.4 KB with every load if times stood in them.
    """

    table: Table
    files: list[CsvFile]
    replaces: str | None
    adds: str | None = None

    @classmethod
    def of(cls, table: Table, rows: list[tuple], folder: Path, replaces: str | None) -> "Rows":
        """Write rows, in the order of the table's columns, into a file of their own."""
        path = folder / f"{table.name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows(rows)
        return cls(table, [CsvFile(path, len(rows))], replaces)

    @property
    def row_count(self) -> int:
        """How many rows the files hold."""
        return sum(file.row_count for file in self.files)

    @property
    def disposition(self) -> dict | str:
        """The write disposition in dlt's terms."""
        if self.replaces is None:
            return "append"
        merge = {"disposition": "merge", "strategy": "delete-insert", "destination_scope": self.replaces}
        return merge | ({"source_filter": self.adds} if self.adds else {})


def within_open_reads(stream: str, time_column: str) -> str:
    """Return the condition "this row lies in a period that is being read of this stream".

    The subqueries name no row of the table: where it lies on the workers of a cluster, raw.reads is not there.
    """
    at, reads = _of_table(time_column), _open_reads(f"r.stream = '{stream}'")
    periods = f"select range_agg(tstzrange(r.period_start, r.period_end)) from {reads}"
    return f"{_between(hour_of(at), 'r.period_start', 'r.period_end', reads)} and {at} <@ ({periods})"


def within_own_open_reads(source: str, time_column: str) -> str:
    """Return the same for a table of all streams of a source, with a column `stream`."""
    return _within(source, _of_table(time_column), "r.period_start", "r.period_end")


def within_own_open_days(source: str, date_column: str) -> str:
    """Return the same for a table of business days: those that the periods touch."""
    last = day_of("(r.period_end - interval '1 microsecond')")
    return _within(source, _of_table(date_column), day_of("r.period_start"), f"{last} + 1")


def _of_table(column: str) -> str:
    return f"{{table}}.{column}"


def _within(source: str, at: str, start: str, end: str) -> str:
    """Return the condition "in an open read of the row's stream"."""
    reads = _open_reads(f"r.source = '{source}'")
    same_stream = "r.stream = {table}.stream"
    same_period = f"{at} >= {start} and {at} < {end}"
    return f"{_between(at, start, end, reads)} and exists (select from {reads} and {same_stream} and {same_period})"


def _open_reads(which: str) -> str:
    """Return what stands after `from` for open reads; of one that this run gave up (error) nothing is replaced."""
    return f"raw.reads r where {which} and r.finished_at is null and r.repeated_by is null and r.error is null"


def _between(indexed: str, start: str, end: str, reads: str) -> str:
    """Return the outer bounds of the periods, for the index, which the list of periods can't reach.

    `indexed` is the time, or its hour, which lies in a period where the time does: periods start on whole hours.
    """
    return f"{indexed} >= (select min({start}) from {reads}) and {indexed} < (select max({end}) from {reads})"


def load(source: str, loads: list[Rows], warehouse: Target, connection, folder: Path) -> None:
    """Load into the raw tables, one transaction a table; raises SourceError where the warehouse refuses.

    `connection` is one to the warehouse, for a lock. `folder` is dlt's working folder; it goes with the run.
    """
    due = [rows for rows in loads if rows.row_count or rows.replaces]  # to add nothing takes dlt 15 ms
    if not due:
        return
    pipeline = dlt.pipeline(
        source,
        destination=dlt.destinations.postgres(_credentials(warehouse)),
        dataset_name="raw",
        pipelines_dir=str(folder),
    )
    try:
        with _alone_at_first(connection):
            pipeline.run([_resource(rows) for rows in due], loader_file_format="csv").raise_on_failed_jobs()
    except Exception as error:
        explained = _explained(error)
        if explained is None:
            raise
        raise explained from error
    _analyze(connection, due)


def _analyze(connection, loads: list[Rows]) -> None:
    """Let PostgreSQL look at tables that have doubled: a first dbt build by guess takes three times as long."""
    with connection.cursor() as cursor:
        for rows in loads:
            cursor.execute("select reltuples from pg_class where oid = %s::regclass", (rows.table.full_name,))
            (known,) = cursor.fetchone()
            if rows.row_count > known:
                cursor.execute(f"analyze {rows.table.full_name}")


@contextmanager
def _alone_at_first(connection) -> Iterator[None]:
    """Hold a lock over the first loads: dlt makes its own tables with them, and two at once would clash."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('raw_staging._dlt_version') is null")
        (is_first,) = cursor.fetchone()
        if is_first:
            cursor.execute("select pg_advisory_lock(hashtext('raw.dlt'))")
        try:
            yield
        finally:
            if is_first:
                cursor.execute("select pg_advisory_unlock(hashtext('raw.dlt'))")


def _resource(rows: Rows):
    @dlt.resource(
        name=rows.table.name,
        columns=rows.table.hints,
        write_disposition=rows.disposition,
        max_table_nesting=0,
    )
    def files():
        for file in rows.files:
            yield dlt.mark.with_file_import(str(file.path), "csv", file.row_count)

    return files


def _credentials(warehouse: Target) -> PostgresCredentials:
    credentials = PostgresCredentials()
    credentials.host = warehouse.host
    credentials.port = warehouse.port
    credentials.username = warehouse.user
    # dlt demands one, also where the server trusts.
    credentials.password = warehouse.password or "none"
    credentials.database = warehouse.database
    credentials.query = {"sslmode": warehouse.sslmode}
    if warehouse.sslrootcert:
        credentials.query["sslrootcert"] = warehouse.sslrootcert
    return credentials


def _explained(error: Exception) -> SourceError | None:
    """Return the error that says why a load failed; None where nobody foresaw it."""
    causes = [error]
    while causes[-1].__cause__ or causes[-1].__context__:
        causes.append(causes[-1].__cause__ or causes[-1].__context__)
    # Where dlt has no room for its files, it fails once more while it says so.
    full = next(filter(is_disk_full, causes), None)
    if full:
        return of_disk(full)
    if not isinstance(error, PipelineStepFailed):
        return None
    return SourceError(f"the warehouse refused the rows: {reason_of(causes[-1])}")
