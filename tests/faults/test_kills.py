"""kill -9 of ingest, of dbt, of the warm loop and of the server: the next run ends in the facts of one without fault.

At random instants of each phase; and at chosen ones, where the victim waits for a lock that the test holds.
"""

from contextlib import suppress

import psutil
import pytest

from tests.conftest import EVENTS
from tests.facts import STATE, drop, state, writes
from tests.faults.company import BUILD, STARTS
from tests.faults.table import FAULTS, chance, what_was_wrong
from tests.waiting import PATIENCE_SECONDS, lock, wait_until_gone, wait_until_waiting

INGEST, FACTS, LOOP = ("ingest",), ("dbt", *BUILD), ("loop",)
# With the seeds before the facts, and the views before and after them: half of the project.
MARTS = ("build", "--exclude-resource-type", "unit_test", "--select", "+core", "+mart_hourly", "+mart_daily")
ALL = ("dbt", *MARTS)
# What runs, and in which of its phases it is killed.
PHASES = {
    "ingest: opens its reads": INGEST,
    "ingest: reads a source": INGEST,
    "ingest: extract": INGEST,
    "ingest: normalise": INGEST,
    "ingest: load": INGEST,
    "ingest: finishes its reads": INGEST,
    "dbt: starts and parses": FACTS,
    "dbt: fct_metric_revision": FACTS,
    "dbt: dim_series": FACTS,
    "dbt: fct_metric_hourly": FACTS,
    "dbt: fct_coverage_hourly": FACTS,
    "dbt: fct_metric_daily": FACTS,
    "dbt: fct_duration_hourly": FACTS,
    "dbt: fct_user_activity_daily": FACTS,
    "dbt: a seed": ALL,
    "dbt: a view": ALL,
    "dbt: a test": ALL,
    "loop: tick 1": LOOP,
    "loop: tick 2": LOOP,
}
# The server is killed while these run: one of its processes, or the first, which leaves orphans.
SERVED = {"server, in ingest": INGEST, "server, in dbt": FACTS}
STRATA = (*PHASES, *SERVED)
# Each in turn, in another order with another seed; those that take a minute half as often.
LIGHT = [stratum for stratum in STRATA if PHASES.get(stratum) not in (ALL, LOOP)]
CHOSEN = chance("order of kills", 0).sample([*STRATA, *LIGHT], len(STRATA) + len(LIGHT))


def seconds_of(company, phase: str, occurrence: int) -> float:
    """Return how long a phase took in the runs without fault; half a run where they had it not."""
    spans = [seconds for name, number, seconds in company.spans if name == phase and number == occurrence]
    return spans[0] if spans else 5


def times(company, phase: str) -> int:
    """Return how often a run has a phase."""
    return max(sum(name == phase for name, *_ in company.spans), 1)


@pytest.mark.parametrize("number", range(FAULTS // 2))
def test_kills_at_random_instants(faulty, embedded, record, number):
    """One, or three in a row, the second and third of them killing what would have mended the first."""
    first = number // 2 * 4 + number % 2
    strata = [CHOSEN[kill % len(CHOSEN)] for kill in range(first, first + 1 + number % 2 * 2)]
    commands = {(PHASES | SERVED)[stratum] for stratum in strata}
    begin(faulty, strata[0])
    killed = []
    for order, stratum in enumerate(strata):
        strike = kill_server if stratum in SERVED else kill
        killed.append(strike(faulty, embedded, stratum, chance(f"kill {number}", order)))
        wait_until_gone(faulty)
    faulty.good_run(*(MARTS if ALL in commands else BUILD))
    differences = faulty.differences()
    for name, saw in killed:
        record(name, differences, saw)


def begin(company, stratum: str) -> None:
    company.begin()
    if (PHASES | SERVED)[stratum] in (FACTS, ALL):
        company.well("ingest")  # or dbt would have nothing to build


def kill(company, _, phase: str, random) -> tuple[str, str]:
    """Kill what runs in a phase; returns what the table says of it."""
    occurrence = random.randrange(times(company, phase))
    seconds = random.uniform(0, seconds_of(company, phase, occurrence))
    while True:
        victim = company.victim(*PHASES[phase])
        if victim.reaches(phase, occurrence) and victim.kill_after(seconds):
            assert "Traceback" not in victim.printed, victim.printed
            return f"kill -9 in {phase}", "Killed"
        # It was over before its time, and all was well with it: a busy machine is not equally busy.
        begin(company, phase)
        seconds, occurrence = seconds / 2, occurrence // 2


def kill_server(company, embedded, stratum: str, random) -> tuple[str, str]:
    """Kill a process of the server while something runs, which has to end and to say so."""
    command = SERVED[stratum]
    phase = random.choice([phase for phase, found in PHASES.items() if found == command])
    victim = company.victim(*command)
    assert victim.reaches(phase, 0), victim.printed
    victim.process.join(random.uniform(0, seconds_of(company, phase, 0)))
    first = psutil.Process(int((embedded.folder / "pgdata" / "postmaster.pid").read_text().split()[0]))
    processes = [first, *first.children()]
    # Every second time the first one: it is one of ten, and ends all others.
    killed = first if random.random() < 0.5 else random.choice(processes[1:])
    with suppress(psutil.NoSuchProcess):  # a backend whose work was over
        killed.kill()
        # The first one ends all others when it hears of it; until then the server seems to be well.
        psutil.wait_procs(set(processes) - {first}, PATIENCE_SECONDS)
    code, printed = victim.end()
    assert "Traceback" not in printed, printed
    embedded.start()
    what = "its first process" if killed == first else "another of its processes"
    return f"kill -9 of the {stratum}: {what}", what_was_wrong(printed) if code else "nothing: it was over"


def counted_at_the_source(company) -> list[tuple]:
    query = "select kind, date_trunc('hour', occurred_at), count(*)::float8 from event group by 1, 2 order by 1, 2"
    return company.rows(query, database=EVENTS)


def counted_in_the_mart(company) -> list[tuple]:
    return company.rows(
        "select labels ->> 'type', time, value from marts.mart_hourly "
        "where metric = 'events.count' and value > 0 order by 1, 2"
    )


def test_the_facts_without_fault_are_those_of_the_source_and_of_a_build_from_nothing(faulty):
    """What all other tests here hold facts against."""
    faulty.begin()
    faulty.good_run()
    assert counted_in_the_mart(faulty) == counted_at_the_source(faulty)
    expected, written = faulty.state(), writes(faulty)
    faulty.build_well(*BUILD)
    assert writes(faulty) == written
    drop(faulty)
    faulty.build_well(*MARTS)
    found = faulty.state()
    assert {name: found[name] for name in STATE} == {name: expected[name] for name in STATE}


def kill_ingest_before_its_intent(company) -> None:
    with lock(company, "raw.reads", "share"):
        kill_waiting(company, "raw.reads", company.victim("ingest", "events"))


def kill_ingest_while_it_loads(company) -> None:
    with lock(company, "raw.events_events", "share"):
        kill_waiting(company, "raw.events_events", company.victim("ingest", "events"))


def kill_ingest_before_it_finishes(company) -> None:
    with lock(company, "raw.events_events", "share") as let_load:
        victim = company.victim("ingest", "events")
        wait_until_waiting(company, "raw.events_events", victim.process.is_alive)
        with lock(company, "raw.reads", "share"):
            let_load()
            kill_waiting(company, "raw.reads", victim)


def kill_waiting(company, table: str, victim) -> None:
    wait_until_waiting(company, table, victim.process.is_alive)
    assert victim.kill_after(0)


INGEST_KILLS = [kill_ingest_before_its_intent, kill_ingest_while_it_loads, kill_ingest_before_it_finishes]


@pytest.mark.parametrize("kill", INGEST_KILLS)
@pytest.mark.parametrize("start", STARTS)
def test_a_killed_ingest_changes_no_number_and_the_next_repairs_it(faulty, record, kill, start):
    """Dead in the first load or in a replacement: facts as before it, then as if it had never died."""
    faulty.begin(start)
    before = state(faulty)
    kill(faulty)
    wait_until_gone(faulty)
    assert faulty.value("select outcome from ops.runs order by run_id desc limit 1") is None
    faulty.build_well(*BUILD)
    assert state(faulty) == before
    faulty.good_run()
    assert faulty.value("select count(*) from raw.reads where finished_at is null and repeated_by is null") == 0
    record(kill.__name__.replace("_", " ").replace("kill", "kill -9 of", 1), faulty.differences(start), "Killed")


@pytest.mark.parametrize(
    ("table", "mode"),
    [
        ("core.fct_metric_hourly", "exclusive"),  # before the fact has taken anything
        ("ops.built_reads", "share"),  # after it was computed, before it is marked
        ("core.fct_metric_daily", "exclusive"),  # hours are built and marked, days are not
        ("core.fct_coverage_hourly", "exclusive"),
    ],
)
def test_a_killed_build_is_taken_up_by_the_next(faulty, record, table, mode):
    """Dead before, in or between facts: the next build ends where one that never died would."""
    faulty.begin()
    faulty.well("ingest")
    with lock(faulty, table, mode):
        kill_waiting(faulty, table, faulty.victim(*FACTS))
    wait_until_gone(faulty)
    faulty.build_well(*BUILD)
    written = writes(faulty)
    faulty.build_well(*BUILD)
    assert writes(faulty) == written
    record(f"kill -9 of dbt as it waits for {table}", faulty.differences(), "Killed")
