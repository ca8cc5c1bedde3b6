"""What the sources that are PostgreSQL databases share: the connection, checks of columns, COPY to files."""

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import parse_dsn, quote_ident

from ingest import personal, tls
from ingest.errors import SettingError, SourceError, reason_of
from ingest.hours import business_timezone, check_zone, hour_of
from ingest.job import Finding, Job, Visit
from ingest.load import CsvFile, Rows, within_open_reads
from ingest.raw import Table, make_months
from ingest.reads import Period, Reading
from ingest.settings import DEMO_COMPANY, PostgresSettings

TIMES = ("timestamp with time zone", "timestamp without time zone")
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
BUFFER_BYTES = 1 << 20
SALT = "business_dashboards.user_id_salt"  # for the transaction's statements
# Two files keep both of dlt's load workers busy; below this span the second connection costs more than it gains.
SPLIT_FROM = dt.timedelta(days=2)
# What a server says to a client that it will never let in: libpq gives no code of it. In another language than English
# it is not known, and tried again.
REFUSES = re.compile(
    r"authentication failed|no password supplied|no pg_hba.conf entry|does not exist|not permitted|invalid \w+ value"
)


@dataclass(frozen=True)
class Column:
    """A column of a source's table, its name quoted, its type as PostgreSQL writes it."""

    name: str
    type: str

    def instant(self, timezone: str) -> str:
        """Return the SQL for the column as an instant; one without a zone is read in `timezone`."""
        return self.name if self.type == TIMES[0] else f"({self.name} at time zone '{timezone}')"

    def within(self, periods: list[Period], timezone: str) -> str:
        """Return the SQL condition that the column lies in one of the periods, in a form an index can serve."""
        return "(" + " or ".join(self._inside(period, timezone) for period in periods) + ")"

    def _inside(self, period: Period, timezone: str) -> str:
        at = self.instant(timezone)
        exact = f"{at} >= '{period.start.isoformat()}' and {at} < '{period.end.isoformat()}'"
        if self.type == TIMES[0]:
            return f"({exact})"
        # A local time is ambiguous when clocks go back: the index gets a day more, the instant decides.
        start, end = period.start - dt.timedelta(days=1), period.end + dt.timedelta(days=1)
        return f"({self.name} >= '{start:%Y-%m-%d %H:%M}' and {self.name} < '{end:%Y-%m-%d %H:%M}' and {exact})"


class Snapshot:
    """One repeatable-read, read-only transaction in a source's database."""

    def __init__(self, visit: Visit, settings: PostgresSettings):
        """Connect; raises SourceError where the server or the company's rule refuses."""
        self.source, self.settings = visit.source, settings
        self._dsn = _dsn(visit, settings)
        self.connection = self._connect()
        self._check_version()
        self._check_company(visit.company)
        with self._explained():
            self._give_salt(self.connection)

    def _connect(self):
        try:
            connection = psycopg2.connect(**self._dsn)
        except psycopg2.OperationalError as error:
            untrusted = tls.cure(str(error), "it", "its parameter sslrootcert")
            kind = SettingError if untrusted or REFUSES.search(str(error)) else SourceError
            cure = f": {untrusted}" if untrusted else ". Is the server up, are host, database, user and password right?"
            raise kind(f"[sources.{self.source}] url: {reason_of(error)}{cure}") from error
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return connection

    def _give_salt(self, connection) -> None:
        """Tell the server the salt once, beside the statements that use it: one that fails or is slow is in its log."""
        if self.settings.user_id_salt is not None:
            with connection.cursor() as cursor:
                cursor.execute("select set_config(%s, %s, true)", (SALT, self.settings.user_id_salt))

    def close(self) -> None:
        """End the transaction and the connection."""
        self.connection.close()

    def row(self, query: str, *parameters) -> tuple | None:
        """Return the first row that a query gives, or None; raises SourceError where the server refuses."""
        rows = self.rows(query, *parameters)
        return rows[0] if rows else None

    def rows(self, query: str, *parameters) -> list[tuple]:
        """Return the rows that a query gives; raises SourceError where the server refuses."""
        with self._explained(), self.connection.cursor() as cursor:
            cursor.execute(query, parameters or None)
            return cursor.fetchall()

    def literal(self, text: str) -> str:
        """Return the SQL for a text."""
        return sql.Literal(text).as_string(self.connection)

    def user_id(self, column: Column | None) -> str:
        """Return the SQL for a user's id as text, hashed where the settings have a salt; null without a column."""
        if column is None:
            return "null::text"
        if self.settings.user_id_salt is None:
            return f"{column.name}::text"
        salted = f"(select current_setting('{SALT}')) || {column.name}::text"
        return f"encode(sha256(convert_to({salted}, 'UTF8')), 'hex')"

    def table(self, setting: str, name: str) -> str:
        """Return the table's quoted name; raises SourceError where there is none or we may not use it."""
        try:
            (found,) = self.row("select to_regclass(%s)::text", str(name))
        except SourceError:  # a schema that we may not use, or no name at all
            found = None
        if found is None:
            user = self.connection.info.user
            raise SettingError(
                f"{self._named(setting)}: there is no table {name} in database {self.connection.info.dbname} that "
                f"{user} can see; write schema.table where it is not in public, "
                f"or as its owner: grant usage on schema ... to {user}"
            )
        return found

    def columns(self, setting: str, table: str, wanted: dict[str, str]) -> dict[str, Column]:
        """Return our name -> column; `setting` and our name are where theirs is set.

        Raises SourceError where a column is missing or may not be read.
        """
        wanted = {key: str(name) for key, name in wanted.items()}
        found = self._attributes(table)
        for key, name in wanted.items():
            if name not in found:
                close = difflib.get_close_matches(name, found, n=1)
                hint = f"did you mean {close[0]}?" if close else f"it has: {', '.join(found)}"
                raise SettingError(f"{self._named(setting + key)}: {table} has no column {name}; {hint}")
        columns = {key: Column(quote_ident(name, self.connection), found[name][0]) for key, name in wanted.items()}
        forbidden = [column for key, column in columns.items() if not found[wanted[key]][1]]
        if forbidden:
            user = self.connection.info.user
            raise SettingError(
                f"{self._named('url')}: {user} may not read {table} ({_names(forbidden)}); "
                f"as its owner: grant select ({_names(columns.values())}) on {table} to {user}"
            )
        return columns

    def has_column(self, table: str, name: str) -> bool:
        """Return whether the table has a column of this name."""
        return name in self._attributes(table)

    def check_type(self, setting: str, column: Column, types: tuple[str, ...]) -> None:
        """Raise SettingError where a column is of none of these types."""
        if column.type not in types:
            raise SettingError(
                f"{self._named(setting)}: column {column.name} is a {column.type}; needed is {' or '.join(types)}"
            )

    def oldest(self, table: str, column: Column) -> dt.datetime | None:
        """Return the first instant of a column; None where there is none but infinity."""
        found = self.row(
            f"select {column.instant(self.settings.timezone)} from {table} "
            f"where {column.name} > '-infinity' order by {column.name} limit 1"
        )
        return found[0] if found else None

    def copy(self, setting: str, queries: list[str], folder: Path, name: str) -> list[CsvFile]:
        """Write what each query gives to a CSV file of its own, side by side, all from this snapshot.

        Raises SourceError where the server refuses; it names `setting` where the reason is a value, and where one looks
        like a person's.
        """
        files = self._copied(setting, queries, folder, name)
        for file in files:
            refused = personal.in_file(file.path, self.settings.allow_personal)
            if refused:
                raise SettingError(f"{self._named(setting)}: {refused}")
        return files

    def _copied(self, setting: str, queries: list[str], folder: Path, name: str) -> list[CsvFile]:
        if len(queries) == 1:
            with self._explained(setting):
                return [_copy(self.connection, queries[0], folder / f"{name}.csv")]
        (snapshot,) = self.row("select pg_export_snapshot()")
        with self._explained(setting), ThreadPoolExecutor(len(queries)) as pool:
            parts = [
                pool.submit(self._copy_part, snapshot, query, folder / f"{name}_{number}.csv")
                for number, query in enumerate(queries)
            ]
            return [part.result() for part in parts]

    def _copy_part(self, snapshot: str, query: str, path: Path) -> CsvFile:
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("set transaction snapshot %s", (snapshot,))
            self._give_salt(connection)
            return _copy(connection, query, path)
        finally:
            connection.close()

    def _attributes(self, table: str) -> dict[str, tuple[str, bool]]:
        """Return column -> its type, and whether we may read it."""
        rows = self.rows(
            """
            select attname, format_type(atttypid, null), has_column_privilege(attrelid, attnum, 'select')
            from pg_attribute
            where attrelid = %s::regclass and attnum > 0 and not attisdropped
            """,
            table,
        )
        return {name: (type_, readable) for name, type_, readable in rows}

    @contextmanager
    def _explained(self, setting: str = "url") -> Iterator[None]:
        try:
            yield
        except (psycopg2.DataError, psycopg2.NotSupportedError) as error:
            raise SettingError(
                f"{self._named(setting)}: a value can't be read: {reason_of(error)}; "
                "correct it at the source, or choose another column"
            ) from error
        except psycopg2.Error as error:
            raise SourceError(
                f"{self._named('url')}: database {self.connection.info.dbname} answered: {reason_of(error)}"
            ) from error

    def _named(self, setting: str) -> str:
        return f"[sources.{self.source}] {setting}"

    def _check_version(self) -> None:
        major = self.connection.server_version // 10000
        if major < 14:
            raise SettingError(f"{self._named('url')}: the server is PostgreSQL {major}; 14 or newer is needed")

    def _check_company(self, company: str) -> None:
        database = self.connection.info.dbname
        if database.startswith("demo_") and company != DEMO_COMPANY:
            raise SettingError(
                f"{self._named('url')}: {database} belongs to the demo company, and company is {company!r}; "
                "write the URL of your own database, or enabled = false"
            )
        if not database.startswith("demo_") and company == DEMO_COMPANY:
            raise SettingError(
                f"{self._named('url')}: {database} is no demo database, and company is still "
                f"{DEMO_COMPANY!r}; write your company's name at the top of .dlt/config.toml"
            )


@contextmanager
def snapshot(visit: Visit, settings: PostgresSettings) -> Iterator[Snapshot]:
    """Open a snapshot of a source's database for a block; raises SourceError where it can't be had."""
    visit.say("connecting")
    opened = Snapshot(visit, settings)
    try:
        yield opened
    finally:
        opened.close()


def check_table(
    visit: Visit, source: Snapshot, what: str, find: Callable[[], tuple[str, Column, dt.datetime | None]]
) -> Finding:
    """Return what there is to read of a table; `find` gives it as read() does: its name, time and start_at."""

    def describe() -> str:
        table, at, start_at = find()
        start = start_at or source.oldest(table, at)
        check_zone(business_timezone(), start or visit.now, visit.now)
        zone = "" if at.type == TIMES[0] else f", its times are of {source.settings.timezone}"
        since = f"rows from {start:%Y-%m-%d %H:%M} UTC on" if start else "no row yet"
        return f"{table} in {source.connection.info.dbname}: {since}{zone}"

    finding = Finding.of(what, describe)
    # A query that was refused ends the transaction, and would fail the next table's.
    source.connection.rollback()
    return finding


def load_periods(
    job: Job, source: Snapshot, reading: Reading, table: Table, time_column: str, queries: list[str]
) -> None:
    """Replace the rows of a reading's periods in a raw table by what the queries give.

    Raises SourceError where most of the rows that raw holds are gone at the source.
    """
    job.say(f"reading {reading.hours:,} hours")
    files = source.copy("columns", queries, job.folder, table.name)
    hour = hour_of(time_column)
    job.guard(reading, reading.stream, files, table.name, f"{hour} >= %s and {hour} < %s")
    replaces = None if reading.is_first else within_open_reads(reading.stream, time_column)
    for period in reading.periods:
        make_months(job.reads.connection, table, *period)
    job.load([Rows(table, files, replaces)])
    reading.row_count = sum(file.row_count for file in files)


def parts(periods: list[Period]) -> list[list[Period]]:
    """Return the periods as one file's, or cut in the middle as two files'."""
    first, last = periods[0].start, periods[-1].end
    if last - first < SPLIT_FROM:
        return [periods]
    middle = first + (last - first) / 2
    before = [Period(p.start, min(p.end, middle)) for p in periods if p.start < middle]
    after = [Period(max(p.start, middle), p.end) for p in periods if p.end > middle]
    return [part for part in (before, after) if part]


def _copy(connection, query: str, path: Path) -> CsvFile:
    with connection.cursor() as cursor, path.open("wb", BUFFER_BYTES) as file:
        cursor.copy_expert(f"copy ({query}) to stdout with (format csv, header)", file, BUFFER_BYTES)
        return CsvFile(path, cursor.rowcount)


def _dsn(visit: Visit, settings: PostgresSettings) -> dict:
    """Return the connection's parameters; what the URL leaves out is the warehouse's."""
    given = _parse_url(settings.url)
    if given is None:
        raise SettingError(
            f"[sources.{visit.source}] url is not of the form postgresql://user:password@host:5432/database; "
            "in a password write @ as %40, / as %2F, % as %25"
        )
    own = {"application_name": "business-dashboards", "connect_timeout": 10, "client_encoding": "UTF8"}
    options = f"{given.pop('options', '')} -c timezone=UTC -c datestyle=ISO -c lock_timeout=10s"
    if not given.get("host"):
        warehouse = visit.warehouse
        own |= {
            "host": warehouse.host,
            "port": warehouse.port,
            "user": warehouse.user,
            "password": warehouse.password,
            "sslmode": warehouse.sslmode,
            "sslrootcert": warehouse.sslrootcert,
        }
    return own | given | {"options": options}


def _parse_url(url: str) -> dict | None:
    """Return the URL's parts; None where it has not the form of one.

    What libpq says of a malformed one is never shown: it may quote the password, and take a part of one that
    holds @ or / for host or port.
    """
    try:
        given = parse_dsn(url.replace("postgresql+psycopg2://", "postgresql://"))
    except (psycopg2.ProgrammingError, UnicodeError):
        return None
    is_misread = "@" in given.get("host", "") + given.get("dbname", "")
    ports = given.get("port", "5432").split(",")
    return given if given.get("dbname") and not is_misread and all(port.isdigit() for port in ports) else None


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(dict.fromkeys(column.name for column in columns))
