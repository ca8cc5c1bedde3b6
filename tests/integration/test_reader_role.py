"""The role that Grafana logs in as: what it reads, and that there is no way out of it."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from dashboards import reader
from ingest.__main__ import main as ingest
from ingest.embedded import EmbeddedServer
from ingest.errors import SetupError
from tests.conftest import EVENTS, WAREHOUSE, Company, Server, free_port

WORD = "the word"
# Each with the read-only setting turned off, as a session may: what refuses them is that nothing is granted.
WAYS_OUT = {
    "raw": "select * from raw.reads",
    "staging": "select * from staging.stg_ingest__reads",
    "core": "select * from core.fct_metric_hourly",
    "a table of ops": "select * from ops.runs",
    "inserting": "insert into marts.mart_active_users (grain) values ('day')",
    "updating through a view": "update marts.mart_metrics set label = ''",
    "deleting": "delete from marts.mart_retention",
    "emptying": "truncate marts.mart_retention",
    "dropping": "drop view marts.mart_daily",
    "replacing": "create or replace view marts.mart_daily as select 1",
    "a table in the marts": "create table marts.mine (number int)",
    "a table in public": "create table public.mine (number int)",
    "a temporary table": "create temporary table mine (number int)",
    "a schema": "create schema mine",
    "a function": "create function public.mine() returns int language sql as 'select 1'",
    "a function of the marts": "create function marts.mine() returns int language sql as 'select 1'",
    "another role": "set role tester",
    "another user": "set session authorization tester",
    "more rights": "alter role grafana_reader createdb",
    "a new role": "create role mine",
    "passwords": "select * from pg_authid",
    "a setting of the server": "alter system set log_connections = on",
    "a setting of administrators": "set session_replication_role = replica",
    "a program": "copy (select 1) to program 'cat'",
    "a file": "copy (select 1) to '/tmp/mine'",
    "reading a file": "select pg_read_file('/etc/passwd')",
    "a large object": "select lo_create(0)",
    "a large object of bytes": "select lo_from_bytea(0, 'x')",
    "a large object of a file": "select lo_import('/etc/passwd')",
    "another database": "create database mine",
    "another's session": "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tester'",
}


@pytest.fixture(scope="module")
def company(profiles) -> Iterator[Company]:
    """Give a company of one user on a server of its own, read and built before the role was there."""
    with tempfile.TemporaryDirectory(prefix="bd-") as folder, pytest.MonkeyPatch.context() as patch:
        embedded = EmbeddedServer(Path(folder), "127.0.0.1", free_port(), "tester", "secret word", "postgres")
        embedded.start()
        server = Server(embedded.host, embedded.port, embedded.user, embedded.password)
        company = Company(server, patch, None, profiles)
        company.execute(
            "insert into event (id, kind, occurred_at) values (1, 'login', '2026-03-10T11:00Z')", None, EVENTS
        )
        assert ingest([]) == 0
        assert company.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test").success
        yield company
        embedded.stop()


@pytest.fixture(scope="module")
def role(company) -> Company:
    """Give the company with the role."""
    assert reader.make(WORD) == []
    return company


def connect(company: Company, database: str = WAREHOUSE):
    """Return a connection as Grafana makes it."""
    server = company.server
    where = {"host": server.host, "port": server.port, "dbname": database}
    return psycopg2.connect(**where, user=reader.ROLE, password=WORD)


def granted(company: Company) -> set[str]:
    """Return the relations that the role may read."""
    query = (
        "select format('%%s.%%s', schemaname, name) from (select schemaname, viewname as name from pg_views "
        "union all select schemaname, tablename from pg_tables) as relations "
        "where schemaname not in ('pg_catalog', 'information_schema') "
        "and has_table_privilege('grafana_reader', format('%%I.%%I', schemaname, name), 'select')"
    )
    return {name for (name,) in company.rows(query, ())}


def test_it_reads_each_mart_and_view_of_ops(role):
    names = granted(role)
    assert {name.partition(".")[0] for name in names} == {"marts", "ops"}
    assert names > {"marts.mart_hourly", "marts.mart_retention", "ops.freshness", "ops.sources"}
    with closing(connect(role)) as connection, connection.cursor() as cursor:
        for name in sorted(names):
            cursor.execute(f"select * from {name} limit 1")


@pytest.mark.parametrize("way", WAYS_OUT)
def test_there_is_no_way_out(role, way):
    with closing(connect(role)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("set default_transaction_read_only = off")
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute(WAYS_OUT[way])


def test_other_databases_have_nothing_for_it(role):
    with closing(connect(role, EVENTS)) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.cursor().execute("select * from event")


def test_it_sees_nothing_of_what_others_ask_and_of_what_is_in_their_tables(role):
    with closing(connect(role)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_stats where schemaname in ('raw', 'core', 'staging')")
        assert cursor.fetchone() == (0,)
        cursor.execute("select distinct query from pg_stat_activity where usename <> current_user")
        assert {query for (query,) in cursor.fetchall()} <= {"<insufficient privilege>"}


def test_its_sessions_are_read_only_short_and_in_utc(role):
    with closing(connect(role)) as connection, connection.cursor() as cursor:
        for name, value in reader.SETTINGS.items():
            cursor.execute("select current_setting(%s)", [name])
            assert cursor.fetchone() == (value,)
        with pytest.raises(errors.ReadOnlySqlTransaction):
            cursor.execute("create table public.mine (number int)")


def test_a_statement_that_takes_too_long_is_cancelled(role):
    role.execute("alter role grafana_reader set statement_timeout = '50ms'")
    with closing(connect(role)) as connection, pytest.raises(errors.QueryCanceled):
        connection.cursor().execute("select pg_sleep(600)")
    reader.make(WORD)
    assert role.value("select 'statement_timeout=15s' = any(rolconfig) from pg_roles where rolname = 'grafana_reader'")


def test_it_has_twenty_connections(role):
    with ExitStack() as opened:
        for _ in range(reader.CONNECTIONS):
            opened.enter_context(closing(connect(role)))
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            connect(role)


def test_what_dbt_builds_anew_it_may_read(role):
    before = granted(role)
    role.execute("drop view marts.mart_metrics cascade; drop table marts.mart_active_users cascade")
    assert granted(role) < before
    assert role.dbt("run", "--select", "mart_metrics", "mart_active_users").success
    assert granted(role) == before


def test_who_may_not_make_roles_is_told_who_may(role, monkeypatch, capsys):
    role.execute("create role plain login password 'plain'")
    monkeypatch.setenv("WAREHOUSE_USER", "plain")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "plain")
    with pytest.raises(SetupError, match=r"let an administrator run what `python -m dashboards.reader --sql` prints"):
        reader.make("another word")
    assert reader.main(["--sql"]) == 0
    script = capsys.readouterr().out
    role.execute("drop owned by grafana_reader; drop role grafana_reader")
    role.execute(script.replace("WRITE A PASSWORD HERE", WORD))
    assert role.value("select rolconnlimit from pg_roles where rolname = 'grafana_reader'") == 20
    assert granted(role) == set()
    with pytest.raises(SetupError, match="plain can't become grafana_reader: run `make reader`"), reader.reading():
        pass
    with reader.reading(is_required=False) as connection, connection.cursor() as cursor:
        cursor.execute("select current_user, current_setting('transaction_read_only'), current_setting('timezone')")
        assert cursor.fetchone() == ("plain", "on", "UTC")
    monkeypatch.undo()
    assert role.dbt("run", "--select", "mart_metrics").success
    assert granted(role) == {"marts.mart_metrics"}
    with closing(connect(role)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from marts.mart_metrics")


def test_the_warehouses_user_can_become_it(role, monkeypatch):
    reader.make(WORD)
    for word in ("", WORD):
        monkeypatch.setenv("GRAFANA_DB_PASSWORD", word)
        with reader.reading() as connection, connection.cursor() as cursor:
            cursor.execute("select current_user, current_setting('transaction_read_only'), current_setting('timezone')")
            assert cursor.fetchone() == ("grafana_reader", "on", "UTC")
