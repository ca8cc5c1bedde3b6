"""One of the two warehouses that are held against each other: the project's dbt in it, and its rows."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.conftest import ROOT
from tests.facts import STATE

SCHEMAS = ("raw", "raw_staging", "staging", "intermediate", "core", "marts", "ops")
COMPARED = STATE | {
    "revisions": """
        select series_id, grain, period_at, metric, old_value, new_value, reason from core.fct_metric_revision
    """,
    "active_users": "select time, grain, stream, active_users, event_count, is_complete from marts.mart_active_users",
    "retention": "select cohort_week, week_number, cohort_users, active_users from marts.mart_retention",
}


class Side:
    """A database, and the target of dbt's profile that it is built with."""

    def __init__(self, dsn: dict[str, str], target: str, folder: Path):
        """Take libpq's parameters, the target, and a folder with a profiles.yml, for what dbt writes."""
        self.dsn, self.folder = dsn, folder
        self.environment = {
            "WAREHOUSE_HOST": dsn["host"],
            "WAREHOUSE_PORT": str(dsn.get("port", 5432)),
            "WAREHOUSE_USER": dsn["user"],
            "WAREHOUSE_PASSWORD": dsn.get("password", ""),
            "WAREHOUSE_DATABASE": dsn["dbname"],
            "WAREHOUSE_SSLMODE": dsn.get("sslmode", "prefer"),
            "WAREHOUSE_NOW": "2026-10-26T12:00Z",
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

    def dbt(self, *arguments: str) -> tuple[bool, list[tuple[str, str]], str]:
        """Run dbt in this process; returns whether it went well, each query with its node, and what went wrong."""
        from dbt.cli.main import dbtRunner

        queries, errors = [], []

        def note(event) -> None:
            if event.info.name == "SQLQuery":
                queries.append((event.data.node_info.node_name, event.data.sql))
            elif event.info.level == "error":
                errors.append(event.info.msg)

        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.environment.items():
                environment.setenv(name, value)
            result = dbtRunner(callbacks=[note]).invoke(["--quiet", *arguments, "--project-dir", str(ROOT)])
        return result.success, queries, "\n".join([*errors, str(result.exception or "")])
