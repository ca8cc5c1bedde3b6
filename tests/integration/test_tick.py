"""The tick: all steps in one process, under one lock, each with its row; and the loop that repeats it."""

import datetime as dt
import os
import signal
import threading
from contextlib import closing

import pytest

from tests.conftest import WAREHOUSE, WEBSITE
from tick import schedule, steps
from tick.__main__ import main
from tick.run import STEPS

ROWS = "select step, exit_code, finished_at is not null from ops.steps order by step_id"
NOWHERE = "postgresql://reader@127.0.0.1:1/demo_nowhere"


@pytest.fixture
def tick(company, monkeypatch, capfd, tmp_path):
    """Give a company with an event in the last hour, and a function that ticks and returns the exit code and output."""
    monkeypatch.setattr(steps, "let_the_demo_live", lambda: None)  # its sources are the test's
    monkeypatch.setattr(steps, "SITE", tmp_path / "site")
    company.add_events((1, "login", company.now - dt.timedelta(hours=1)))
    for table in ("user", "userprofile", "apikey"):
        company.execute(
            f"insert into apercite_account_{table} (id, created_at) values (1, %s)",
            (company.now - dt.timedelta(hours=3),),
            WEBSITE,
        )

    def run(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        code = main(list(arguments))
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    run.company = company
    return run


def test_a_tick_reads_builds_and_looks_how_fresh_all_is(tick):
    code, printed = tick()
    assert code == 0, printed
    assert printed.startswith("tick: well in ")
    assert len(printed.splitlines()) == 1
    assert "read website, events" in printed
    assert "all fresh" in printed
    assert (steps.SITE / "index.html").exists()
    assert tick.company.rows(ROWS) == [(step, 0, True) for step in STEPS]
    assert tick.company.value("select count(*) from marts.mart_hourly where metric = 'events.count'") > 0


def test_a_source_that_fails_is_named_and_stops_no_step(tick):
    tick.company.set(SOURCES__WEBSITE__URL=NOWHERE)
    code, printed = tick()
    assert code == 1
    assert "NOT WELL" in printed
    assert "website failed (" in printed
    assert "read events" in printed
    assert tick.company.value("select count(*) from marts.mart_hourly where metric = 'events.count'") > 0
    assert "2 late: objects.count (" in printed
    codes = {step: code for step, code, _ in tick.company.rows(ROWS)}
    assert codes == {"ingest": 1, "build": 0, "freshness": 1, "site": 0, "notify": 0}


def test_what_dbt_refuses_is_in_the_line(tick, project, monkeypatch):
    registry = project / "seeds" / "metrics.csv"
    registry.write_text(registry.read_text().replace("events.count,Events,", ",Events,"))
    monkeypatch.setattr(steps, "ROOT", project)
    code, printed = tick()
    assert code == 1
    assert "metrics: " in printed
    assert "metric is empty" in printed


def test_views_are_built_again_where_the_project_changed_or_somebody_else_ran_dbt(tick, project, monkeypatch):
    """A tick builds what has rows of its own, else: a view is its code."""
    monkeypatch.setattr(steps, "ROOT", project)
    view = "select count(*) from ops.nodes where node = 'freshness'"

    def builds_views() -> bool:
        before = tick.company.value(view)
        code, printed = tick("ingest", "build")
        assert code == 0, printed
        return tick.company.value(view) > before

    tick("ingest")
    assert builds_views()
    tick.company.add_events((2, "login", tick.company.now - dt.timedelta(minutes=50)))
    assert not builds_views()
    counted = "select sum(value) from marts.mart_hourly where metric = 'events.count'"
    assert tick.company.value(counted) == 2
    freshness = project / "models" / "ops" / "freshness.sql"
    freshness.write_text(f"-- another text\n{freshness.read_text()}")
    assert builds_views()
    tick.company.execute(
        "insert into ops.nodes (invocation_id, node, resource_type, status, started_at, seconds) "
        "values ('by hand', 'mart_hourly', 'model', 'success', clock_timestamp(), 1)"
    )
    assert builds_views()
    assert not builds_views()


def test_what_is_missing_is_built_in_the_same_tick(tick):
    tick("ingest", "build")
    tick.company.execute("drop view staging.stg_events__events cascade")
    code, printed = tick("ingest", "build")
    assert code == 0, printed
    assert tick.company.value("select count(*) from marts.mart_hourly where metric = 'events.count'") > 0


def test_no_two_ticks_run_at_once(tick):
    tick("freshness")
    with closing(tick.company.server.connect(WAREHOUSE)) as other, other.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('ops.steps'))")
        code, printed = tick()
    assert (code, printed) == (75, "tick: another one is running; nothing done\n")


def test_a_killed_tick_leaves_a_row_without_an_end_and_the_next_one_is_well(tick, monkeypatch):
    class Killed(BaseException):
        pass

    def dies(_):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setitem(STEPS, "build", dies)
        with pytest.raises(Killed):
            tick()
    assert tick.company.rows(ROWS) == [("ingest", 0, True), ("build", None, False)]
    code, printed = tick()
    assert code == 0, printed


def test_without_a_warehouse_nothing_is_tried(tick):
    tick.company.set(WAREHOUSE_PORT="1")
    code, printed = tick()
    assert code == 2
    assert "check WAREHOUSE_* and profiles.yml" in printed


def test_freshness_before_the_first_build_says_so(tick):
    code, printed = tick("freshness")
    assert code == 1
    assert "dbt build has never succeeded" in printed


def test_the_loop_ticks_at_once_where_an_hour_was_missed_and_ends_on_a_signal(tick, capfd):
    minute = str(dt.datetime.now(dt.timezone.utc).minute)
    stop_when(tick.company, f"select count(*) = {len(STEPS)} from ops.steps where finished_at is not null")
    assert schedule.main(["--minute", minute]) == 0
    printed = capfd.readouterr().out
    assert "UTC tick: well in " in printed
    assert printed.endswith("schedule: stopped\n")
    # The hour's tick is done: a loop that starts again waits for the next one.
    stop_when(tick.company, "select true")
    assert schedule.main(["--minute", minute]) == 0
    assert "tick:" not in capfd.readouterr().out
    assert tick.company.value("select count(*) from ops.steps") == len(STEPS)


def stop_when(company, condition: str) -> None:
    """Send this process SIGTERM once a condition holds and the loop listens."""
    main_thread_handler = signal.getsignal(signal.SIGTERM)

    def wait() -> None:
        pause = threading.Event()
        while signal.getsignal(signal.SIGTERM) is main_thread_handler:
            pause.wait(0.05)
        while company.value("select to_regclass('ops.steps') is null") or not company.value(condition):
            pause.wait(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
