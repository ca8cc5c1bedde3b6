"""One of two warehouses that are held against each other: the project's dbt in it, and its rows."""

import os
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.facts import STATE
from tick.dbt_runner import invoke

NOW = "2026-10-26T12:00Z"
VARS = ("--vars", "{distribute_facts: true}")
SCHEMAS = ("raw", "raw_staging", "staging", "intermediate", "core", "marts", "ops")
# Every fact, and the marts that are tables or made of all of them.
COMPARED = STATE | {
    "revisions": """
        select series_id, grain, period_at, metric, old_value, new_value, reason from core.fct_metric_revision
    """,
    "active users": "select time, grain, stream, active_users, event_count, is_complete from marts.mart_active_users",
    "retention": "select cohort_week, week_number, cohort_users, active_users from marts.mart_retention",
}


class Side:
    """A database, and the target of dbt's profile that it is built with."""

    def __init__(self, dsn: dict[str, str], target: str, folder: Path):
        """Take libpq's parameters, the target, and a folder with a profiles.yml, for what dbt writes."""
        self.dsn, self.queries = dsn, []
        self.environment = {
            "WAREHOUSE_HOST": dsn["host"],
            "WAREHOUSE_PORT": str(dsn.get("port", 5432)),
            "WAREHOUSE_USER": dsn["user"],
            "WAREHOUSE_PASSWORD": dsn.get("password", ""),
            "WAREHOUSE_DATABASE": dsn["dbname"],
            "WAREHOUSE_SSLMODE": dsn.get("sslmode", "prefer"),
            "WAREHOUSE_NOW": NOW,
            "DBT_TARGET": target,
            "DBT_PROFILES_DIR": str(folder),
            "DBT_TARGET_PATH": str(folder / target),
            "DBT_LOG_PATH": str(folder / "logs"),
        }

    def connect(self):
        """Return a psycopg2 connection to it."""
        return psycopg2.connect(**self.dsn, options="-c timezone=UTC")

    def execute(self, sql: str) -> None:
        """Run statements and commit them."""
        with closing(self.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def rows(self, query: str) -> list[tuple]:
        """Return the rows of a query."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def state(self) -> dict[str, Counter]:
        """Return all that is compared: name -> how often each row is there, as text."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            return self.state_in(cursor)

    def state_in(self, cursor) -> dict[str, Counter]:
        """Return the same as an open transaction sees it."""
        found = {}
        for name, query in COMPARED.items():
            cursor.execute(query)
            found[name] = Counter(map(repr, cursor.fetchall()))
        return found

    def dbt(self, *arguments: str) -> list[tuple[str, str]]:
        """Run dbt in this process; returns each query with the name of its node. Fails with what went wrong."""
        queries, errors = [], []

        def note(event) -> None:
            if event.info.name == "SQLQuery":
                queries.append((event.data.node_info.node_name, event.data.sql))
            elif event.info.level == "error":
                errors.append(event.info.msg)

        with pytest.MonkeyPatch.context() as environment:
            for name in [name for name in os.environ if name.startswith("WAREHOUSE_")]:
                environment.delenv(name)
            for name, value in self.environment.items():
                environment.setenv(name, value)
            result = invoke("--quiet", *arguments, *VARS, callbacks=[note])
        assert result.success, "\n".join(filter(None, [*errors, str(result.exception or "")]))
        return queries


def differences(one: dict[str, Counter], other: dict[str, Counter]) -> dict[str, list[str]]:
    """Return what two states don't have in common: name -> the rows that one side alone has."""
    found = {name: [*(one[name] - other[name]), *(other[name] - one[name])] for name in one}
    return {name: sorted(rows) for name, rows in found.items() if rows}
