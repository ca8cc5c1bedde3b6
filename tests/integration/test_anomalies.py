"""Anomalies planted in a history: how many the marts find, and how many of their alarms are about nothing."""

import os
from contextlib import closing

import pytest

from ingest.raw import prepare
from ingest.sources import SOURCES
from tests.conftest import ROOT, WORKER
from tests.integration.anomalies.loading import load
from tests.integration.anomalies.planting import committed, drawn
from tests.integration.anomalies.scoring import score

DATABASE = f"test_anomalies_{WORKER}"
NOW = "2026-11-23T00:30Z"
MARTS = ("mart_expected_hourly", "mart_expected_daily", "mart_anomalies_hourly", "mart_anomalies_daily")


@pytest.fixture(scope="module")
def warehouse(server, profiles):
    """Give a connection to a warehouse with the marts of anomalies and no facts."""
    from dbt.cli.main import dbtRunner

    server.create_database(DATABASE)
    with pytest.MonkeyPatch.context() as environment, closing(server.connect(DATABASE)) as connection:
        variables = server.environment | {
            "WAREHOUSE_DATABASE": DATABASE,
            "WAREHOUSE_NOW": NOW,
            "DBT_PROFILES_DIR": str(profiles),
            "DBT_TARGET_PATH": str(profiles / "target"),
            "DBT_LOG_PATH": str(profiles / "logs"),
        }
        for name, value in variables.items():
            environment.setenv(name, value)
        prepare(connection, [table for source in SOURCES.values() for table in source.TABLES])
        selected = [f"+{mart}" for mart in MARTS]
        without = ["--exclude-resource-type", "unit_test", "test"]
        result = dbtRunner().invoke(
            ["--quiet", "build", *without, "--select", *selected, "--project-dir", str(ROOT)]
        )
        assert result.success, result
        yield connection


def test_most_of_the_committed_list_is_found_and_little_else(warehouse):
    planted = committed()
    assert len(planted) >= 60
    load(warehouse, planted, "committed")
    scored = score(warehouse, planted)
    print(scored.table())
    for alarm in scored.false_alarms: print(alarm)
    for m in scored.missed: print(m)
    assert scored.precision >= 0.9
    assert scored.recall >= 0.8


@pytest.mark.parametrize("seed", os.environ.get("ANOMALY_SEEDS", "held out").split(","))
def test_others_are_found_as_well(warehouse, seed):
    """Noise and anomalies that nobody has seen while the rules were made."""
    planted = drawn(seed)
    load(warehouse, planted, seed)
    scored = score(warehouse, planted)
    print(f"seed {seed}\n{scored.table()}")
    for alarm in scored.false_alarms: print(alarm)
    for m in scored.missed: print(m)
    assert scored.precision >= 0.9
    assert scored.recall >= 0.8
