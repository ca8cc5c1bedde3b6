"""dbt's connections, kept from node to node of a run: few are opened, and none knows of the node before."""

from contextlib import contextmanager
from dataclasses import asdict, replace
from types import SimpleNamespace

import psycopg2
import pytest
from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.postgres.connections import PostgresCredentials

from tests.conftest import WAREHOUSE
from tests.waiting import wait_until_gone
from tick.connections import KeptConnections


@contextmanager
def opened(known: PostgresCredentials):
    """Give a connection as a node of dbt's has it."""
    connection = KeptConnections.open(Connection("postgres", "node", known, ConnectionState.INIT))
    try:
        yield SimpleNamespace(ask=lambda sql: ask(connection.handle, sql), backend=connection.handle.get_backend_pid())
    finally:
        KeptConnections.close(connection)


def ask(handle, sql: str):
    with handle.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture
def known(server):
    """Give what leads to the server; no test leaves a connection."""
    yield PostgresCredentials(**asdict(server), database="postgres", schema="public")
    while KeptConnections._idle:
        KeptConnections._idle.pop().close()


def test_a_build_opens_few_connections(company):
    company.read()
    company.build_facts()
    opened_before = sessions(company)
    company.build_facts()
    # Of four threads, of what asks before and after all nodes, and two of the question itself.
    assert sessions(company) - opened_before <= 4 + 1 + 2
    wait_until_gone(company)


def sessions(company) -> int:
    """Return how many sessions the warehouse has seen."""
    company.execute("select pg_stat_force_next_flush()")
    return company.value("select sessions from pg_stat_database where datname = %s", (WAREHOUSE,))


def test_nothing_of_a_node_is_left_for_the_next(known):
    with opened(known) as first:
        first.ask("create temporary table left_over as select 1 as one")
        first.ask("set application_name to 'first'")
        first.ask("select pg_advisory_lock(7)")
    with opened(known) as second:
        assert second.backend == first.backend
        assert second.ask("select to_regclass('left_over')") is None
        assert second.ask("show application_name") != "first"
        assert second.ask("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()") == 0


def test_a_failed_statement_and_an_open_transaction_are_undone(known):
    with opened(known) as first:
        first.ask("create table left_over (one int)")
    with opened(known) as second:
        assert second.backend == first.backend
        assert second.ask("select to_regclass('left_over')") is None
        with pytest.raises(psycopg2.DataError):
            second.ask("select 1 / 0")
    with opened(known) as third:
        assert third.backend == first.backend
        assert third.ask("select 1") == 1


def test_a_broken_connection_is_not_kept(known):
    with opened(known) as killed, opened(known) as other:
        other.ask(f"select pg_terminate_backend({killed.backend})")
    with opened(known) as one, opened(known) as two:
        assert killed.backend not in (one.backend, two.backend)


def test_a_role_of_the_profile_holds_for_each_node(known):
    of_a_role = replace(known, role="pg_monitor")
    for _ in range(2):
        with opened(of_a_role) as node:
            assert node.ask("select current_user") == "pg_monitor"
