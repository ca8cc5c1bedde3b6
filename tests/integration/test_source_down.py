"""A source that is down for a day and comes back: the facts are those of a company that was never without it."""

import datetime as dt

import pytest

from tests.conftest import EVENTS, SPIDERS, WEBSITE, Company
from tests.facts import state

HOUR = dt.timedelta(hours=1)
BEFORE = dt.datetime(2026, 3, 10, 9, 5, tzinfo=dt.timezone.utc)
# The last one is the first of a business day in which nothing is down: late rows and deletes are looked for.
DOWN = [BEFORE + hours * HOUR for hours in (2, 14, 24)]
BACK = BEFORE + 40 * HOUR
NOWHERE = "postgresql://reader@127.0.0.1:1/demo_nowhere"
DATABASES = {"website": WEBSITE, "events": EVENTS, "spiders": SPIDERS}
FACTS = ("hourly", "daily", "durations", "activity", "mart_hourly", "mart_daily", "series")
COUNTED = "select hour_at from core.fct_metric_hourly where metric = 'objects.count' and origin = 'observed'"


@pytest.fixture
def live(server, monkeypatch, capfd, profiles):
    """Give a function that makes a company, lets it live with sources down for a day, and returns it with its facts.

    It lives the same life each time; without a name nothing is down.
    """

    def run(*down: str) -> tuple[Company, dict[str, list[tuple]]]:
        company = Company(server, monkeypatch, capfd, profiles)
        company.add_spiders()
        company.now = BEFORE
        spend(company, BEFORE - 20 * HOUR, BEFORE)
        company.read()
        company.build_facts()
        for since, company.now in zip([BEFORE, *DOWN], DOWN, strict=False):
            spend(company, since, company.now)
            meet(company, down)
        change(company)
        company.now = BACK
        spend(company, DOWN[-1], BACK)
        company.set(**{f"SOURCES__{name.upper()}__URL": f"postgresql:///{DATABASES[name]}" for name in DATABASES})
        company.read()
        company.build_facts()
        return company, state(company, FACTS)

    return run


def spend(company: Company, since: dt.datetime, until: dt.datetime) -> None:
    """An event, a user and two reports of a spider in each half hour; the event of a minute ago arrives late."""
    halves = "generate_series(%s, %s - interval '1 minute', interval '30 minutes') at"
    number = "extract(epoch from at)::bigint / 1800"
    company.execute(
        f"""
        insert into event (id, kind, occurred_at, recorded_at, user_id, duration_ms)
        select {number}, 'login', at, at + interval '5 minutes', {number} %% 7, {number} %% 1000 from {halves}
        """,
        (since, until),
        EVENTS,
    )
    company.execute(
        f"insert into apercite_account_user (id, created_at) select {number}, at from {halves}", (since, until), WEBSITE
    )
    company.execute(
        f"""
        insert into spider values (1, 'arachne') on conflict do nothing;
        insert into spider_status select 1, '[{{"stage": "crawl"}}, {{}}]', at from {halves}
        """,
        (since, until),
        SPIDERS,
    )


def meet(company: Company, down: tuple[str, ...]) -> None:
    """Read where some are down: they fail and are named, the others are read and built, nothing else fails."""
    if not down:
        company.read()
        return
    company.set(**{f"SOURCES__{name.upper()}__URL": NOWHERE for name in down})
    code, printed = company.ingest()
    assert code == 1, printed
    assert sorted(line[:18].strip() for line in printed.splitlines() if "FAILED" in line) == sorted(down)
    assert company.ingest(*down)[0] == 3
    if company.now == DOWN[-1]:
        result = company.dbt("build", "--exclude-resource-type", "unit_test")
        failed = [node.node.name for node in result.result.results if node.status in ("fail", "error", "skipped")]
        assert failed == ["every_source_was_read"]
        stale = "select distinct split_part(stream, '.', 1) from ops.freshness where stream > '' and not is_fresh"
        assert sorted(company.rows(stale)) == sorted((name,) for name in down)


def change(company: Company) -> None:
    """While it was down rows vanished and moved, and one came late."""
    first = "select min(id) from event"
    company.execute(
        f"""
        delete from event where id = ({first});
        update event set occurred_at = occurred_at + interval '3 hours' where id = ({first});
        insert into event (id, kind, occurred_at, recorded_at) values (1, 'crawl.failed', %s, %s)
        """,
        (BEFORE - 9 * HOUR, DOWN[-1]),
        EVENTS,
    )
    users = "apercite_account_user"
    company.execute(f"delete from {users} where id = (select min(id) from {users})", database=WEBSITE)


def without_counts(found: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    return {fact: [row for row in rows if "objects.count" not in str(row)] for fact, rows in found.items()}


def test_a_source_that_was_down_for_a_day_leaves_no_trace_but_the_counts_of_that_day(live):
    """An hour in which nobody counted the website's objects has no count, for ever, and never a 0."""
    never, expected = live()
    counted = set(never.rows(COUNTED))
    assert live("events")[1] == expected
    company, found = live("spiders", "website")
    missing = [at.replace(minute=0) for at in DOWN]
    assert counted - set(company.rows(COUNTED)) == {(at,) for at in missing}
    shown = "select count(*) from marts.mart_hourly where metric = 'objects.count' and time = any(%s)"
    assert company.value(shown, (missing,)) == 0
    assert without_counts(found) == without_counts(expected)
