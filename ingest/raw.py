"""The raw tables: one definition from which both the DDL and dlt's column hints are made.

Every table exists from the first run on, empty where its source is off, so that dbt always finds it.
Keys and indexes are ours: dlt neither makes nor drops them.
"""

import datetime as dt
from dataclasses import dataclass

import psycopg2

from ingest.errors import SetupError
from ingest.hours import business_timezone, hour_of, origin
from ingest.project import dbt_vars

# dlt's data types, and what they are in PostgreSQL.
SQL_TYPES = {
    "text": "text",
    "bigint": "bigint",
    "double": "double precision",
    "timestamp": "timestamptz",
    "date": "date",
    "bool": "boolean",
    "json": "jsonb",
}
SETUP_LOCK = "raw.setup"
# Months of UTC; a partition's name ends with its own, as in dbt's macro make_months.
MISSING_MONTHS = """
    select name, month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC'
    from (
        select %(table)s || to_char(month, '_YYYY_MM') as name, month
        from generate_series(
            date_trunc('month', %(start)s at time zone 'UTC'),
            %(end)s at time zone 'UTC' - interval '1 microsecond',
            interval '1 month'
        ) as months (month)
    ) as named
    where to_regclass(name) is null
        and exists (select from pg_partitioned_table where partrelid = %(table)s::regclass)
"""
OLD_MONTHS = """
    select name
    from (
        select inhrelid::regclass::text as name from pg_inherits where inhparent = %(table)s::regclass
    ) as partitions
    where (to_date(right(name, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= %(until)s
    order by name
"""
# Table, column and type of what a table got after warehouses had it.
ADDED_COLUMNS = (("ops.runs", "byte_count", "bigint"),)


@dataclass(frozen=True)
class Table:
    """A table that a source brings: `columns` maps a name to dlt's data type; those in `required` are never null.

    Rows that it read are in the schema `raw`, what it has to remember of itself in `ops`. A table that names the `hour`
    of a row is made in partitions, one a month, where the dbt var partition_by_month says so.
    """

    name: str
    comment: str
    columns: dict[str, str]
    required: frozenset[str]
    primary_key: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    schema: str = "raw"
    hour: str | None = None

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def hints(self) -> dict[str, dict]:
        """The columns as dlt wants them."""
        return {
            column: {"name": column, "data_type": data_type, "nullable": column not in self.required}
            for column, data_type in self.columns.items()
        }

    @property
    def ddl(self) -> str:
        """The statements that make the table and its indexes."""
        lines = [
            f"{column} {SQL_TYPES[data_type]}{' not null' if column in self.required else ''}"
            for column, data_type in self.columns.items()
        ]
        if self.primary_key:
            lines.append(f"primary key ({', '.join(self.primary_key)})")
        is_partitioned = self.hour and dbt_vars()["partition_by_month"]
        statements = [
            f"create table {self.full_name} ({', '.join(lines)})"
            + (f" partition by range (({self.hour}))" if is_partitioned else ""),
            f"comment on table {self.full_name} is '{self.comment}'",
        ]
        for number, definition in enumerate(self.indexes):
            statements.append(f"create index {self.name}_{number} on {self.full_name} {definition}")
        return ";\n".join(statements)


def log_ddl() -> dict[str, str]:
    """Return name -> DDL of what the pipeline keeps of itself: reads, runs, what dbt did, whose warehouse it is."""
    return {
        "raw.reads": f"""
            create table raw.reads (
                read_id bigint generated always as identity primary key,
                source text not null,
                stream text not null,
                period_start timestamptz not null check (period_start = {hour_of("period_start")}),
                period_end timestamptz not null check (period_end > period_start),
                started_at timestamptz not null,
                finished_at timestamptz,
                row_count bigint,
                repeated_by bigint,
                error text
            );
            comment on table raw.reads is 'One row per stream and period read.';
            create index reads_period on raw.reads using gist (tstzrange(period_start, period_end));
            create index reads_open on raw.reads (stream) where finished_at is null and repeated_by is null;
        """,
        # What of a stream was read is asked of each at every tick: of five years 60 ms by the table, 10 by this.
        "raw.reads_finished": """
            create index reads_finished on raw.reads (stream, finished_at)
            include (period_start, period_end, started_at) where finished_at is not null;
        """,
        "ops.runs": """
            create table ops.runs (
                run_id bigint generated always as identity primary key,
                source text not null,
                started_at timestamptz not null default clock_timestamp(),
                finished_at timestamptz,
                outcome text check (outcome in ('ok', 'failed', 'quota', 'off')),
                message text,
                byte_count bigint
            );
            comment on table ops.runs is 'One row per source and run of ingest.';
        """,
        "ops.steps": """
            create table ops.steps (
                step_id bigint generated always as identity primary key,
                step text not null,
                started_at timestamptz not null default clock_timestamp(),
                finished_at timestamptz,
                exit_code int,
                message text
            );
            comment on table ops.steps is 'One row per step of a tick; one without an end was killed.';
            create index steps_started on ops.steps (started_at);
        """,
        "ops.nodes": """
            create table ops.nodes (
                invocation_id text not null,
                node text not null,
                resource_type text not null,
                status text not null,
                started_at timestamptz not null,
                seconds double precision not null,
                row_count bigint,
                message text
            );
            comment on table ops.nodes is 'One row per invocation of dbt and node that it came to.';
            create index nodes_started on ops.nodes (started_at);
        """,
        "ops.built_project": """
            create table ops.built_project (
                only_one boolean primary key default true check (only_one),
                fingerprint text not null,
                latest_node_at timestamptz
            );
            comment on table ops.built_project is 'The project whose nodes a tick built last, whole: one row.';
        """,
        "ops.found": """
            create table ops.found (
                invocation_id text not null,
                found_at timestamptz not null default now(),
                finding text not null,
                found bigint not null
            );
            comment on table ops.found is 'One row per invocation of dbt and finding: how many there were at its end.';
            create index found_at on ops.found (found_at);
        """,
        "ops.told": """
            create table ops.told (
                alert text primary key,
                subject text not null,
                owner text,
                problem text not null,
                runbook text not null,
                told_at timestamptz not null default clock_timestamp()
            );
            comment on table ops.told is 'One row per alert that people were told of and that is not over.';
        """,
        "ops.company": """
            create table ops.company (
                only_one boolean primary key default true check (only_one),
                company text not null
            );
            comment on table ops.company is 'Whose warehouse this is: one row.';
        """,
        "ops.closed": """
            create table ops.closed (
                stream text primary key,
                until timestamptz not null,
                last_read_id bigint not null
            );
            comment on table ops.closed is 'One row per stream whose raw rows before an instant were pruned.';
        """,
    }


def prepare(connection, tables: list[Table]) -> None:
    """Make the schemas and tables that are missing.

    Raises SetupError where the role may not, or where what is there counts its hours from another minute.
    A table that exists is not touched: `create index if not exists` would wait for a load that is running.
    """
    try:
        with connection, connection.cursor() as cursor:
            # Two runs that start at once would both find the table missing.
            cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", (SETUP_LOCK,))
            for statement in missing_ddl(cursor, tables):
                cursor.execute(statement)
            cursor.execute(
                "select period_start from (select period_start from raw.reads limit 1) r "
                f"where period_start <> {hour_of('period_start')}"
            )
            other = cursor.fetchone()
            _turn_jit_off(cursor)
    except psycopg2.errors.InsufficientPrivilege as error:
        raise SetupError(
            f"the warehouse role may not make its tables ({error.diag.message_primary}): "
            "run `make roles` again as the administrator, which makes what is new; where one role does all, grant it "
            "create on the database"
        ) from error
    if other:
        raise SetupError(
            f"dbt_project.yml: business_timezone {business_timezone().key} starts its hours at :{origin():%M}, and the "
            f"hours in this warehouse start at :{other[0]:%M}; use another database (WAREHOUSE_DATABASE), "
            "or `make clean` to start anew"
        )


def missing_ddl(cursor, tables: list[Table]) -> list[str]:
    """Return the statements that make what is missing of schemas, tables, their indexes and columns."""
    ddl = log_ddl() | {table.full_name: table.ddl for table in tables}
    cursor.execute("select name from unnest(array['raw', 'ops']) as name where to_regnamespace(name) is null")
    schemas = [f"create schema if not exists {name}" for (name,) in cursor.fetchall()]
    cursor.execute("select t from unnest(%s) t where to_regclass(t) is null", (list(ddl),))
    missing = [name for (name,) in cursor.fetchall()]
    return [*schemas, *(ddl[name] for name in missing), *_missing_columns(cursor, missing)]


def _turn_jit_off(cursor) -> None:
    """Turn PostgreSQL's JIT compiler off for this role in this database, where a server has it on, as most do.

    A tick's statements are large plans over few rows: ops.alerts takes 4.8 s, and minutes where each plan is compiled.
    """
    cursor.execute("select format('%I', current_database()) where current_setting('jit')::bool")
    on = cursor.fetchone()
    if on:
        cursor.execute(f"alter role current_user in database {on[0]} set jit = off")


def _missing_columns(cursor, new_tables: list[str]) -> list[str]:
    """Return the statements for those of ADDED_COLUMNS that are not there: for nothing one would wait for a load."""
    query = "select exists (select from pg_attribute where attrelid = to_regclass(%s) and attname = %s)"
    missing = []
    for name, column, type_ in ADDED_COLUMNS:
        cursor.execute(query, (name, column))
        (is_there,) = cursor.fetchone()
        if not is_there and name not in new_tables:
            missing.append(f"alter table {name} add column {column} {type_}")
    return missing


def make_months(connection, table: Table, start: dt.datetime, end: dt.datetime) -> None:
    """Make the partitions for rows of [start, end), two instants in UTC, where they are missing and the table has any.

    A month is made and then attached, which stops no reader.
    """
    with connection.cursor() as cursor:
        cursor.execute(MISSING_MONTHS, {"table": table.full_name, "start": start, "end": end})
        for name, month, next_month in cursor.fetchall():
            # Sent at once, which makes it one transaction: there is no month that is made and not attached.
            cursor.execute(
                f"create table {name} (like {table.full_name} including all); "
                f"alter table {table.full_name} attach partition {name} "
                "for values from (%s::timestamptz) to (%s::timestamptz)",
                (month, next_month),
            )


def old_months(connection, table: str, until: dt.datetime) -> list[str]:
    """Return the partitions of a raw table whose months are over before an instant; none of a plain table."""
    with connection.cursor() as cursor:
        cursor.execute(OLD_MONTHS, {"table": f"raw.{table}", "until": until})
        return [name for (name,) in cursor.fetchall()]


def claim(connection, company: str) -> None:
    """Make the warehouse this company's; raises SetupError where it is another's."""
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ops.company (company) values (%s) on conflict do nothing", (company,))
        cursor.execute("select company from ops.company")
        (owner,) = cursor.fetchone()
    if owner != company:
        raise SetupError(
            f"this warehouse holds the numbers of company {owner!r}, and .dlt/config.toml says "
            f"company = {company!r}: they would mix. Use another database (WAREHOUSE_DATABASE), "
            f"or `make clean` to start anew"
        )
