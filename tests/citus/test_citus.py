"""The same project on the same inputs, on plain PostgreSQL and on a cluster: every fact is the same.

The cluster is that of CITUS_DSN (`make test-citus`), an empty database on its coordinator; else the shim on PostgreSQL.
"""

import os
import re
from contextlib import closing
from functools import cache

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from ingest.load import within_open_reads
from ingest.raw import prepare
from ingest.sources import all_tables
from ingest.sources.events import STREAM, TABLE
from tests.citus.history import FIRST, THEN
from tests.citus.lint import Cluster
from tests.citus.side import SCHEMAS, Side, differences
from tests.conftest import ROOT, WORKER
from tests.property.compiled import STATEMENT
from tests.property.test_plans import QUERY

DSN = os.environ.get("CITUS_DSN")
DISTRIBUTION = {
    "raw.events_events": "event_id",
    "core.dim_date": "reference",
    "core.dim_hour": "reference",
    "core.dim_series": "reference",
    "core.fct_coverage_hourly": "reference",
    "core.fct_duration_hourly": "series_id",
    "core.fct_metric_daily": "series_id",
    "core.fct_metric_hourly": "series_id",
    "core.fct_metric_revision": "series_id",
    "core.fct_user_activity_daily": "user_id",
}
RAW = {"raw.events_events": "event_id"}
# They look up facts for each period that they judge: nothing that workers can do by themselves (docs/scaling.md).
REFUSED = {
    "int_anomalies__daily",
    "int_anomalies__hourly",
    "mart_anomalies_daily",
    "mart_anomalies_hourly",
    "mart_expected_daily",
    "mart_expected_hourly",
}
# Its percentiles are of revisions: few rows, which may come to the coordinator.
ALLOWED = {("mart_revisions", "an ordered-set aggregate over shards: their rows would come to the coordinator")}
BUILD = ("build", "--exclude-resource-type", "unit_test", "test")
COMPARED = ("+core", "+mart_hourly", "+mart_daily", "+mart_active_users", "+mart_retention")
VIEW = re.compile(r"create or replace view (\S+) as \((.*?)\);\s*exception", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("citus")
    (folder / "profiles.yml").write_text((ROOT / "profiles.example.yml").read_text())
    return folder


def side_of_test(server, name: str, target: str, folder) -> Side:
    database = f"test_citus_{name}_{WORKER}"
    server.create_database(database)
    where = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    return Side(where | {"dbname": database}, target, folder)


def fill(side: Side) -> None:
    with closing(side.connect()) as connection:
        prepare(connection, all_tables())
    side.execute(FIRST)


@pytest.fixture(scope="module")
def plain(server, folder) -> Side:
    """Give plain PostgreSQL, built twice."""
    side = side_of_test(server, "plain", "postgres", folder)
    fill(side)
    side.dbt(*BUILD, "--select", *COMPARED)
    side.execute(THEN)
    side.dbt(*BUILD, "--select", *COMPARED)
    return side


@pytest.fixture(scope="module")
def cluster(server, folder):
    """Give the cluster, or the shim, built twice; with the queries that dbt ran."""
    if DSN:
        side = Side(parse_dsn(DSN), "citus", folder)
        try:
            known = [name for (name,) in side.rows("select nspname from pg_namespace") if name in SCHEMAS]
        except psycopg2.OperationalError as error:
            pytest.exit(f"CITUS_DSN: the cluster can't be reached: {str(error).splitlines()[0]}", returncode=2)
        assert not known, f"CITUS_DSN has the schemas {known}: name an empty database, they would be overwritten"
    else:
        side = side_of_test(server, "cluster", "citus", folder)
        side.execute((ROOT / "tests" / "citus" / "shim.sql").read_text())
    refused = ("--exclude", *(f"{name}+" for name in sorted(REFUSED))) if DSN else ()
    try:
        fill(side)
        side.dbt("run-operation", "distribute")
        side.queries = side.dbt(*BUILD, *refused)
        side.execute(THEN)
        side.queries += side.dbt(*BUILD, "--select", "config.materialized:incremental", *refused)
        yield side
    finally:
        if DSN:
            side.execute(f"drop schema if exists {', '.join(SCHEMAS)} cascade")


@pytest.fixture(scope="module")
def expected(plain):
    """Give what plain PostgreSQL has."""
    return plain.state()


def test_every_fact_is_that_of_plain_postgresql(expected, cluster):
    assert all(expected.values())
    assert not differences(expected, cluster.state())


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("update core.fct_metric_hourly set value = value + 1 where hour_at = '2026-10-24T10:00Z'", {"hourly"}),
        ("delete from core.fct_duration_hourly where hour_at = '2026-10-24T10:00Z'", {"durations"}),
        ("update core.fct_metric_revision set reason = 'late'", {"revisions"}),
    ],
)
def test_the_comparison_tells_what_differs(plain, expected, change, names):
    with closing(plain.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(change)
        assert cursor.rowcount > 0
        changed = plain.state_in(cursor)
        connection.rollback()
    assert names <= set(differences(expected, changed))


def test_what_is_distributed_and_how(cluster):
    found = cluster.rows("select logicalrelid::text, case partmethod when 'h' then 'yes' end from pg_dist_partition")
    assert dict(found) == {name: None if by == "reference" else "yes" for name, by in DISTRIBUTION.items()}


@pytest.mark.parametrize(("tables", "refused"), [(RAW, set()), (DISTRIBUTION, REFUSED)], ids=["raw", "facts"])
def test_citus_refuses_no_statement_but_those_that_are_known(cluster, tables, refused):
    """Of a build, of the views, of ingest; what is refused must be, or it would be told of for nothing."""
    views = {name: sql for name, sql, _ in views_of(cluster)}
    judge = Cluster(tables, views)
    replaced = within_open_reads(STREAM, "occurred_at").replace("{table}", TABLE.full_name)
    statements = {*statements_of(cluster), ("ingest", f"delete from {TABLE.full_name} where {replaced}")}
    statements |= {(node, sql) for _, sql, node in views_of(cluster)}
    found = {(node, reason) for node, sql in statements for reason in judge.refusals(sql)}
    known = {node for node, _ in statements} & refused
    assert {node for node, _ in found - ALLOWED} == known, sorted(found)


def test_a_table_on_the_coordinator_stops_the_build_until_it_is_moved(cluster):
    cluster.execute("select undistribute_table('core.fct_metric_daily')")
    with pytest.raises(AssertionError, match=r'fct_metric_daily" lies on the coordinator alone: `dbt run-operation'):
        cluster.dbt("run", "--select", "dim_annotation")
    cluster.dbt("run-operation", "distribute")
    assert ("core.fct_metric_daily",) in cluster.rows("select logicalrelid::text from pg_dist_partition")


@pytest.mark.skipif(DSN is not None, reason="that cluster has the extension")
def test_the_target_citus_needs_citus(cluster):
    database = cluster.dsn["dbname"]
    cluster.execute(f"alter database {database} set search_path = core")
    with pytest.raises(AssertionError, match="has no extension citus: `create extension citus`"):
        cluster.dbt("run", "--select", "dim_annotation")
    cluster.execute(f"alter database {database} reset search_path")


@cache
def statements_of(side: Side) -> list[tuple[str, str]]:
    """Return the queries that a build ran, each with its node; those of the seeds' rows have no SQL of their own."""
    found = []
    for node, sql in side.queries:
        for match in STATEMENT.finditer(bare(side, sql)):
            query = QUERY.fullmatch(match.group().strip())
            if query and "%s" not in sql:
                found.append((node, query[1]))
    return found


@cache
def views_of(side: Side) -> list[tuple[str, str, str]]:
    """Return name, SQL and node of the views that a build made."""
    found = [(VIEW.search(bare(side, sql)), node) for node, sql in side.queries]
    return [(match[1], match[2], node) for match, node in found if match]


def bare(side: Side, sql: str) -> str:
    sql = re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL).replace('"', "")
    return sql.replace(f"{side.dsn['dbname']}.", "")
