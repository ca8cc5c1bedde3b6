"""dbt in this process."""

import gc
from pathlib import Path

from ingest.project import ROOT


def invoke(*arguments: str, project: Path = ROOT, **options):
    """Run a dbt command on the project; returns dbt's result. `options` are those of dbtRunner.

    Each run costs the same: dbt-postgres 1.11 adds its flag to dbt's list at each, and for each of the list dbt walks
    through its stack (10 ms, dbt-adapters issue 2136), so that a loop of ticks would be 7 s slower after a month.
    """
    from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
    from dbt.adapters.postgres.impl import PostgresAdapter
    from dbt.cli.main import dbtRunner

    from tick.connections import KeptConnections

    PostgresAdapter.ConnectionManager = KeptConnections
    # Python would look through dbt's objects some hundred times a build, an eighth of its time.
    gc.set_threshold(50_000, 20, 20)
    count = len(DEFAULT_BASE_BEHAVIOR_FLAGS)
    try:
        return dbtRunner(**options).invoke([*arguments, "--project-dir", str(project)])
    finally:
        del DEFAULT_BASE_BEHAVIOR_FLAGS[count:]
