"""The SQL that dbt runs for each fact, taken from dbt itself and replayed without it: a build in milliseconds."""

import os
import re
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from ingest.raw import prepare
from ingest.sources import all_tables
from tests.conftest import ROOT, Server
from tick.dbt_runner import invoke

# Alike, so that as many histories can be lived at once; of their own where pytest has several workers.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASES = (f"test_laws_{WORKER}", f"test_laws_{WORKER}_too")
RAW_TABLES = [table for table in all_tables() if table.schema == "raw"]
STRATEGIES = ("replace_dirty", "insert_new")
# The window of the laws, with a day on each side: dim_hour and dim_date are made for it once.
WINDOW_IS_READ = """
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
    select 'events', 'events.events', '2026-10-22T00:00Z', '2026-10-29T00:00Z', '2026-10-29T00:00Z', now()
"""
# dlt's side of a replacement, and the registry as it is shipped and as it is edited. What Google reports settles in
# longer than the laws' window is: none of it would ever be complete, nor revised.
WORKSHOP = """
    create schema raw_staging;
    create schema laws;
    create table laws.shipped as select * from core.metrics;
    update laws.shipped set settle_minutes = 60 where stream like 'google_analytics.%';
    create table laws.registry as select * from core.metrics;
"""
# A dollar-quoted body, a string or a comment may hold a semicolon.
STATEMENT = re.compile(r"(?:\$(\w*)\$.*?\$\1\$|'[^']*'|--[^\n]*|[^;])+", re.DOTALL)

Statements = dict[str, list[str]]


@cache
def compile_facts(server: Server, profiles: Path) -> Statements:
    """Make the laws' databases with all models in them; returns fact -> the statements of its transaction, in order.

    Those of a second build: the first one of a table skips the strategy.
    """
    server.create_database(DATABASES[0])
    with pytest.MonkeyPatch.context() as environment, closing(server.connect(DATABASES[0])) as connection:
        for name, value in _environment(server, profiles).items():
            environment.setenv(name, value)
        prepare(connection, all_tables())
        _execute(connection, WINDOW_IS_READ)
        _dbt([], "build", "--exclude-resource-type", "unit_test", "test")
        queries: list[tuple[str, str]] = []
        strategies = [f"config.incremental_strategy:{strategy}" for strategy in STRATEGIES]
        _dbt(queries, "run", "--threads", "1", "--select", *strategies)
        _execute(connection, WORKSHOP)
        for table in RAW_TABLES:
            _execute(connection, f"create table raw_staging.{table.name} (like raw.{table.name})")
    facts: Statements = {}
    for fact, sql in queries:
        facts.setdefault(fact, []).extend(statements_of(sql))
    for name in DATABASES[1:]:
        _copy_database(server, name)
    assert all(any("taken_reads" in statement for statement in statements) for statements in facts.values())
    return facts


def statements_of(sql: str) -> list[str]:
    """Return the statements of a query that change something, for any database.

    dbt's temporary table gets a name of no moment, and goes with its transaction: dbt's session would end there.
    """
    sql = re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL).replace(f'"{DATABASES[0]}".', "")
    sql = re.sub(r"(__dbt_tmp)\d+", r"\1", sql)
    sql = re.sub(r'(create temporary table "\w+__dbt_tmp")\s+as', r"\1 on commit drop as", sql)
    found = [match.group().strip() for match in STATEMENT.finditer(sql)]
    return [each for each in found if each and not re.match(r"(begin|commit|select)\b", each, re.IGNORECASE)]


def _dbt(queries: list[tuple[str, str]], *arguments: str) -> None:
    """Run dbt in this process; the queries that it runs for a node are added, each with the node's name."""

    def note(event) -> None:
        if event.info.name == "SQLQuery" and event.data.node_info.node_name in names:
            queries.append((event.data.node_info.node_name, event.data.sql))

    names = {path.stem for path in (ROOT / "models" / "core").glob("*.sql")}
    result = invoke("--quiet", *arguments, callbacks=[note])
    assert result.success, result


def _environment(server: Server, profiles: Path) -> dict[str, str]:
    return server.environment | {
        "WAREHOUSE_DATABASE": DATABASES[0],
        "DBT_PROFILES_DIR": str(profiles),
        "DBT_TARGET_PATH": str(profiles / "laws"),  # of another database than the companies'
        "DBT_LOG_PATH": str(profiles / "logs"),
    }


def _copy_database(server: Server, name: str) -> None:
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"drop database if exists {name} with (force)")
            cursor.execute(f"create database {name} template {DATABASES[0]}")


def _execute(connection, sql: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
