"""kill -9 at a chosen instant, then run again: the numbers are those of runs that were never killed.

The instant is chosen by a lock that the test holds: the victim waits for it, and dies waiting.
"""

import datetime as dt
from contextlib import closing, contextmanager

import pytest

from tests.conftest import BUILD_FACTS, EVENTS, WAREHOUSE
from tests.facts import rebuild, state, writes

HOUR = dt.timedelta(hours=1)
PATIENCE_SECONDS = 60


@contextmanager
def lock(company, table: str, mode: str):
    """Hold a lock on a table of the warehouse; the block gets a function that lets it go."""
    with closing(company.server.connect(WAREHOUSE)) as connection, connection.cursor() as cursor:
        cursor.execute(f"lock table {table} in {mode} mode")
        yield connection.rollback


def wait_until_waiting(company, table: str, process) -> None:
    """Return once somebody waits for a lock on a table; fails where the process ends before."""
    query = """
        select count(*) from pg_locks
        where not granted and database = (select oid from pg_database where datname = current_database())
            and relation = %s::regclass
    """
    deadline = dt.datetime.now() + dt.timedelta(seconds=PATIENCE_SECONDS)
    while company.value(query, (table,)) == 0:
        assert process.poll() is None, process.stdout.read()
        assert dt.datetime.now() < deadline, f"nobody waits for {table}"


def wait_until_gone(company) -> None:
    """Return once the killed process's sessions have ended, and their locks with them."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    deadline = dt.datetime.now() + dt.timedelta(seconds=PATIENCE_SECONDS)
    while company.value(query) > 0:
        assert dt.datetime.now() < deadline, "the killed process's session does not end"


def first_day(company) -> None:
    """Some events over some hours, read and built."""
    events = [
        (number, ("login", "crawl.failed")[number % 2], company.now - number * HOUR / 4) for number in range(1, 80)
    ]
    company.add_events(*events)


def next_hours(company) -> None:
    """The clock moves; rows vanish, move, change and come."""
    company.now += 2 * HOUR
    company.execute("delete from event where id in (1, 2, 3)", database=EVENTS)
    company.execute(
        "update event set occurred_at = occurred_at + interval '1 hour' where id in (4, 5)", database=EVENTS
    )
    company.execute("update event set kind = 'login' where id in (6, 7, 8)", database=EVENTS)
    company.add_events(*((number, "login", company.now - (number - 79) * HOUR / 20) for number in range(80, 110)))


def counted_at_the_source(company) -> list[tuple]:
    query = "select kind, date_trunc('hour', occurred_at), count(*)::float8 from event group by 1, 2 order by 1, 2"
    return company.rows(query, database=EVENTS)


def counted_in_the_mart(company) -> list[tuple]:
    return company.rows(
        "select labels ->> 'type', time, value from marts.mart_hourly "
        "where metric = 'events.count' and value > 0 order by 1, 2"
    )


def kill_ingest_before_its_intent(company) -> None:
    with lock(company, "raw.reads", "share"), company.process("ingest", "events") as process:
        wait_until_waiting(company, "raw.reads", process)
        process.kill()


def kill_ingest_while_it_loads(company) -> None:
    with lock(company, "raw.events_events", "share"), company.process("ingest", "events") as process:
        wait_until_waiting(company, "raw.events_events", process)
        process.kill()


def kill_ingest_before_it_finishes(company) -> None:
    with lock(company, "raw.events_events", "share") as let_load, company.process("ingest", "events") as process:
        wait_until_waiting(company, "raw.events_events", process)
        with lock(company, "raw.reads", "share"):
            let_load()
            wait_until_waiting(company, "raw.reads", process)
            process.kill()


INGEST_KILLS = [kill_ingest_before_its_intent, kill_ingest_while_it_loads, kill_ingest_before_it_finishes]


@pytest.mark.parametrize("kill", INGEST_KILLS)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_killed_ingest_changes_no_number_and_the_next_repairs_it(company, kill, is_first):
    """Dead in the first load or in a replacement: facts as before it, then as if it had never died."""
    first_day(company)
    if is_first:
        company.read("website")
    else:
        company.read()
        company.build_facts()
        before = state(company)
        next_hours(company)
    kill(company)
    wait_until_gone(company)

    if not is_first:
        company.build_facts("--exclude", "every_source_was_read")
        assert state(company) == before
    company.read("events")
    company.build_facts()
    assert counted_in_the_mart(company) == counted_at_the_source(company)
    assert company.value("select count(*) from raw.reads where finished_at is null and repeated_by is null") == 0
    found = state(company)
    rebuild(company)
    assert state(company) == found


@pytest.mark.parametrize(
    ("table", "mode"),
    [
        ("core.fct_metric_hourly", "exclusive"),  # before the fact has taken anything
        ("ops.built_reads", "share"),  # after it was computed, before it is marked
        ("core.fct_metric_daily", "exclusive"),  # hours are built and marked, days are not
        ("core.fct_coverage_hourly", "exclusive"),
    ],
)
def test_a_killed_build_is_taken_up_by_the_next(company, table, mode):
    """Dead before, in or between facts: the next build ends where one that never died would."""
    first_day(company)
    company.read()
    company.build_facts()
    next_hours(company)
    company.read()

    with lock(company, table, mode), company.process("dbt.cli.main", *BUILD_FACTS) as process:
        wait_until_waiting(company, table, process)
        process.kill()
    wait_until_gone(company)

    company.build_facts()
    assert counted_in_the_mart(company) == counted_at_the_source(company)
    found, written = state(company), writes(company)
    company.build_facts()
    assert writes(company) == written
    rebuild(company)
    assert state(company) == found


def test_two_builds_at_once_give_the_facts_of_one(company):
    """The second waits for the first's fact and then finds nothing left to build."""
    first_day(company)
    company.read()
    company.build_facts()
    next_hours(company)
    company.read()
    command = ("dbt.cli.main", "run", "--select", "fct_metric_hourly")
    with lock(company, "core.fct_metric_hourly", "exclusive") as let_go, company.process(*command) as one:
        wait_until_waiting(company, "core.fct_metric_hourly", one)
        let_go()
        company.build_facts()
        assert one.wait(PATIENCE_SECONDS) == 0
    assert counted_in_the_mart(company) == counted_at_the_source(company)
    found = state(company)
    rebuild(company)
    assert state(company) == found
