"""Raw rows that are old are dropped, and no fact shrinks."""

import datetime as dt

import pytest

from tests.conftest import BUILD_FACTS, EVENTS
from tests.facts import state, writes

HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def old(company):
    """Give a company with 20 days of events, read and built, that keeps 10 days of them."""
    company.add_events(
        *((number, ("login", "crawl.failed")[number % 2], company.now - number * 6 * HOUR) for number in range(1, 80))
    )
    company.execute("update event set user_id = id % 5, duration_ms = id * 10", database=EVENTS)
    company.set(SOURCES__EVENTS__PRUNE_AFTER_DAYS="10")
    company.read()
    company.build_facts()
    return company


def prune(company, *arguments: str) -> tuple[int, str]:
    from ingest.prune import main

    company.capfd.readouterr()
    code = main(list(arguments))
    printed = company.capfd.readouterr()
    return code, printed.out + printed.err


def test_a_dry_run_drops_nothing(old):
    before = old.value("select count(*) from raw.events_events")
    code, printed = prune(old)
    assert code == 0
    assert printed.startswith("prune: would drop ")
    assert old.value("select count(*) from raw.events_events") == before
    assert old.value("select count(*) from ops.closed") == 0


def test_no_fact_shrinks_whatever_is_read_later(old):
    """The source forgets too; old hours are read again, by hand and by reconcile: facts stay, and it is noted."""
    found = state(old)
    activity = old.rows("select * from core.fct_user_activity_daily order by 1, 2, 3")
    code, printed = prune(old, "--yes")
    assert (code, printed.startswith("prune: dropped ")) == (0, True)
    until = old.value("select until from ops.closed")
    assert old.value("select count(*) from raw.events_events where occurred_at < %s", (until,)) == 0
    old.build_facts("too_late")
    assert state(old) == found

    written = writes(old)
    old.execute("delete from event where occurred_at < %s", (until,), database=EVENTS)
    old.add_events((900, "login", until - 30 * HOUR))
    period = ("--from", (until - 15 * DAY).isoformat(), "--to", (until - DAY).isoformat())
    code, printed = old.ingest("events", *period, "--accept-loss")
    assert code == 0
    closed = f"hours before {until:%Y-%m-%d %H:%M} UTC are closed (make prune): no number of theirs changes"
    assert closed in " ".join(printed.split())
    old.build_facts("too_late")
    assert writes(old) == written
    assert old.rows("select * from core.fct_user_activity_daily order by 1, 2, 3") == activity
    assert old.rows("select stream, period_end <= closed_until from ops.too_late") == [("events.events", True)]


def test_what_is_not_yet_in_all_facts_is_not_pruned(old):
    old.add_events((901, "login", old.now - 15 * DAY))
    old.read("events", "--from", (old.now - 16 * DAY).isoformat(), "--to", (old.now - 14 * DAY).isoformat())
    code, printed = prune(old, "--yes")
    assert code == 2
    assert "dbt build" in printed
    assert old.value("select count(*) from ops.closed") == 0
    old.build_facts("too_late")
    assert prune(old, "--yes")[0] == 0


# Files whose text is edited: what it was, and what it becomes.
ANOTHER = {
    "a kind": {
        "seeds/metrics.csv": (
            "occurred,events,counter,events.events,activation,up,product,active,false,true,",
            "occurred,events,stock,events.events,activation,up,product,active,false,false,",
        )
    },
    "a name": {
        "seeds/metrics.csv": ("events.count", "events.total"),
        "seeds/targets.csv": ("events.count", "events.total"),
    },
    "a zone": {"dbt_project.yml": ("business_timezone: Europe/Paris", "business_timezone: America/New_York")},
}


def test_a_metric_with_closed_hours_can_not_become_another(old, project, subtests):
    """The build stops with what to do; put back, it goes on, and nothing is lost."""
    found = state(old)
    assert prune(old, "--yes")[0] == 0
    for what, edits in ANOTHER.items():
        with subtests.test(what):
            whole = {path: (project / path).read_text() for path in edits}
            for path, (before, after) in edits.items():
                (project / path).write_text(whole[path].replace(before, after))
            assert any((project / path).read_text() != text for path, text in whole.items())
            old.capfd.readouterr()
            result = old.dbt(*BUILD_FACTS, project=project)
            printed = old.capfd.readouterr().out
            assert not result.success
            assert "set status to retired" in printed
            for path, text in whole.items():
                (project / path).write_text(text)
            assert old.dbt(*BUILD_FACTS, project=project).success
            assert state(old) == found
