"""Which nodes of dbt a tick builds: all where the project changed since it last built them, else those with rows.

A view is its code: built again it is the same, and 75 of the 114 nodes are views (3 of 5 CPU seconds).
"""

import datetime as dt
import hashlib
import os
from importlib.metadata import version
from pathlib import Path

from ingest.hours import business_timezone

# All that dbt makes its nodes of.
FILES = ("dbt_project.yml", "dbt_project/**/*", "models/**/*", "seeds/*", "tests/dbt/*")
# Facts and what else has rows of its own, and the tests: they look at data.
WITH_ROWS = ("--select", "config.materialized:incremental", "test_type:data")
# Whoever runs dbt by hand may have built other code: then its latest node is another.
LATEST_NODE = "select max(started_at) from ops.nodes"
IS_BUILT = f"""
    select exists (
        select from ops.built_project
        where fingerprint = %s and latest_node_at is not distinct from ({LATEST_NODE})
    )
"""
BUILT = f"""
    insert into ops.built_project (fingerprint, latest_node_at)
    select %(fingerprint)s, ({LATEST_NODE})
    on conflict (only_one) do update set fingerprint = excluded.fingerprint, latest_node_at = excluded.latest_node_at
"""


def fingerprint(root: Path) -> str:
    """Return a text that is another one where a view might be: other files, another dbt, another fixed clock.

    It is another one each business day, too, so that the first tick of a day builds all.
    """
    found = hashlib.sha256()
    today = dt.datetime.now(business_timezone()).date()
    for text in (today.isoformat(), os.environ.get("WAREHOUSE_NOW", ""), version("dbt-core"), version("dbt-postgres")):
        found.update(f"{text}\0".encode())
    for file in sorted(file for pattern in FILES for file in root.glob(pattern) if file.is_file()):
        found.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return found.hexdigest()


def is_built(connection, project: str) -> bool:
    """Return whether the last build of dbt was a tick's, and of the project with this fingerprint."""
    with connection.cursor() as cursor:
        cursor.execute(IS_BUILT, (project,))
        return cursor.fetchone()[0]


def mark_built(connection, project: str) -> None:
    """Remember that all nodes are those of the project with this fingerprint."""
    with connection, connection.cursor() as cursor:
        cursor.execute(BUILT, {"fingerprint": project})
