"""Runs that overlap, of ingest, of dbt and of the tick: each ends, and the facts are those of one."""

import pytest

from tests.faults.company import BUILD
from tests.faults.table import FAULTS, chance
from tests.waiting import lock, wait_until_waiting

PAIRS = {
    "two of ingest": (("ingest",), ("ingest",)),
    "ingest and dbt": (("ingest",), ("dbt", *BUILD)),
    "two of dbt": (("dbt", *BUILD), ("dbt", *BUILD)),
    "two ticks": (("tick", "ingest", "build"), ("tick", "ingest", "build")),
    "a tick and ingest": (("tick", "ingest", "build"), ("ingest",)),
}
NAMES = chance("order of overlaps", 0).sample(list(PAIRS), len(PAIRS))
# Of dbt: all or some read, none since another one reads it, another tick runs.
EXPECTED = {"ingest": (0, 1, 3), "dbt": (0,), "tick": (0, 1, 75)}
MOST_SECONDS = 2  # between two starts: within it the first one works


@pytest.mark.parametrize("number", range(max(1, FAULTS // 10)))
def test_runs_that_overlap(faulty, record, number):
    name, random = NAMES[number % len(NAMES)], chance("overlap", number)
    faulty.begin()
    if name == "two of dbt":
        faulty.well("ingest")
    one, other = PAIRS[name]
    first = faulty.victim(*one)
    first.process.join(random.uniform(0, MOST_SECONDS))
    second = faulty.victim(*other)
    for victim, (command, *_) in ((first, one), (second, other)):
        code, printed = victim.end()
        assert code in EXPECTED[command], printed
        assert "Traceback" not in printed, printed
    saw = [line for line in (first.printed + second.printed).splitlines() if "another" in line]
    faulty.good_run()
    record(f"overlap: {name}", faulty.differences(), saw[0] if saw else "each one's usual lines")


def test_two_builds_at_once_give_the_facts_of_one(faulty, record):
    """The second waits for the first's fact and then finds nothing left to build."""
    faulty.begin()
    faulty.well("ingest")
    with lock(faulty, "core.fct_metric_hourly", "exclusive") as let_go:
        one = faulty.victim("dbt", "run", "--select", "fct_metric_hourly")
        wait_until_waiting(faulty, "core.fct_metric_hourly", one.process.is_alive)
        let_go()
        faulty.build_well(*BUILD)
        assert one.end()[0] == 0, one.printed
    record("overlap: a build that waits for another", faulty.differences(), "each one's usual lines")
