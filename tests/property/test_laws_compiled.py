"""The laws of the facts (design, section 6) on the SQL that dbt compiled, over histories that hold whatever happens.

`LAWS_EXAMPLES` says how many histories; `LAWS_SEED=7` repeats the one of a failure that names this seed.
"""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.property.compiled import DATABASES, compile_facts
from tests.property.laws import hold
from tests.property.stories import (
    BY_METRIC,
    a_day_that_is_read_in_two_halves,
    a_seed_beside_a_build,
    days_before_their_hours,
    days_between_two_definitions,
    days_while_a_metric_is_gone,
    two_builds_of_a_fact,
)
from tests.property.warehouse import Warehouse

EXAMPLES = int(os.environ.get("LAWS_EXAMPLES", "200"))
SEEDS = [int(os.environ["LAWS_SEED"])] if "LAWS_SEED" in os.environ else []
# What the histories together must have held: a law that nothing tempts holds of itself.
HAPPENED = (
    "rows that came late",
    "rows that moved between hours",
    "rows that vanished",
    "objects that vanished",
    "values that vanished",
    "values that were restated",
    "days that vanished",
    "streams that failed alone",
    "odd reports",
    "reports of one instant",
    "whole lists",
    "reads that append",
    "reads finished out of order",
    "reads finished while a fact is built",
    "dead reads repeated",
    "definitions edited",
    "seeds that waited for a fact",
    "builds that waited for a lock",
    "ingest killed before the intent",
    "ingest killed after the intent",
    "ingest killed between two files",
    "ingest killed between two tables",
    "ingest killed before the finish",
    "dbt killed before a fact",
    "dbt killed after a fact",
    "revisions: definition",
    "revisions: late",
    "revisions: restated",
)


@pytest.fixture(scope="module")
def warehouses(server, profiles):
    """Give the laws' warehouses, all alike."""
    statements = compile_facts(server, profiles)
    opened = [Warehouse(server, statements, database) for database in DATABASES]
    yield opened
    for warehouse in opened:
        warehouse.close()


def test_the_laws_hold_over_all_that_happens(warehouses):
    """Facts are a full build's and plain Python's, whatever was read, built, killed and edited in whatever order."""
    seen, lived, at_once = Counter(), set(), len(warehouses)

    # The seed makes everything: there is nothing to shrink, and CI repeats itself.
    @settings(
        max_examples=-(-EXAMPLES // at_once),
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        database=None,
        phases=[Phase.generate],
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(number=st.integers(0, 2**32 - 1))
    def hold_all(number):
        seeds = [number * at_once + each for each in range(at_once)]
        note(f"seeds {seeds}: LAWS_SEED=... repeats one of them")
        lived.update(seeds)
        with ThreadPoolExecutor(at_once) as pool:
            for found in pool.map(hold, warehouses, seeds):
                seen.update(found)

    for seed in SEEDS:
        hold(warehouses[0], seed)
    if not SEEDS:
        hold_all()
        killed_in = [f"dbt killed in {fact}" for fact in warehouses[0].facts]
        assert not [each for each in (*HAPPENED, *killed_in) if not seen[each]]
        assert len(lived) >= EXAMPLES


@pytest.mark.parametrize("fact", ["dim_series", "fct_metric_hourly", "fct_metric_daily", "fct_user_activity_daily"])
def test_a_build_waits_for_another_before_its_snapshot(warehouses, fact):
    two_builds_of_a_fact(warehouses[0], fact)


@pytest.mark.parametrize("fact", BY_METRIC)
def test_a_seed_beside_a_build_looks_empty_to_nobody(warehouses, fact):
    a_seed_beside_a_build(warehouses[0], fact)


@pytest.mark.parametrize("story", [days_before_their_hours, days_between_two_definitions, days_while_a_metric_is_gone])
def test_days_are_of_one_definition_with_their_hours(warehouses, story):
    story(warehouses[0])


def test_a_reported_day_is_complete_by_one_read(warehouses):
    a_day_that_is_read_in_two_halves(warehouses[0])
