"""Locks that a test holds so that others wait for it, and waiting until they do."""

import datetime as dt
from collections.abc import Callable
from contextlib import closing, contextmanager

from tests.conftest import WAREHOUSE

PATIENCE_SECONDS = 60


@contextmanager
def lock(company, table: str, mode: str):
    """Hold a lock on a table of the warehouse; the block gets a function that lets it go."""
    with closing(company.server.connect(WAREHOUSE)) as connection, connection.cursor() as cursor:
        cursor.execute(f"lock table {table} in {mode} mode")
        yield connection.rollback


def wait_until_waiting(company, table: str, is_alive: Callable[[], bool]) -> None:
    """Return once somebody waits for a lock on a table; fails where the process that should ends before."""
    query = """
        select count(*) from pg_locks
        where not granted and database = (select oid from pg_database where datname = current_database())
            and relation = %s::regclass
    """
    deadline = dt.datetime.now() + dt.timedelta(seconds=PATIENCE_SECONDS)
    while company.value(query, (table,)) == 0:
        assert is_alive(), f"it ended before it waited for {table}"
        assert dt.datetime.now() < deadline, f"nobody waits for {table}"


def wait_until_gone(company) -> None:
    """Return once the sessions of a process that ended are gone, and their locks with them."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    deadline = dt.datetime.now() + dt.timedelta(seconds=PATIENCE_SECONDS)
    while company.value(query) > 0:
        assert dt.datetime.now() < deadline, "a session does not end"
