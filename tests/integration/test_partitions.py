"""Large facts in a partition a month hold what plain ones hold, and a build looks only into the months that are dirty."""

import datetime as dt

import pytest

from tests.conftest import BUILD_FACTS, EVENTS, FACTS
from tests.facts import rebuild, state

LARGE = ("fct_metric_hourly", "fct_duration_hourly", "fct_user_activity_daily")
SOME = """
    insert into event (id, kind, occurred_at, recorded_at, user_id, duration_ms)
    select extract(epoch from at), 'kind ' || number %% 3, at, at, number %% 7, number %% 900
    from generate_series(%s, %s, interval '77 minutes') with ordinality as events (at, number)
"""
LOOKED_AT = """
    select tables.relname, coalesce(tables.seq_scan, 0) + coalesce(tables.idx_scan, 0)
    from pg_stat_user_tables as tables
    inner join pg_inherits on inhrelid = tables.relid
    where inhparent = any(array['core.fct_metric_hourly', 'core.fct_user_activity_daily']::regclass[])
"""
MONTHS = "select inhrelid::regclass::text from pg_inherits where inhparent = ('core.' || %s)::regclass order by 1"
IS_ANALYZED = "select count(*) from pg_class where oid = any(%s::regclass[]) and reltuples > 0"


@pytest.fixture
def partitioned(company, monkeypatch, tmp_path):
    """Give a function that runs dbt with the var; with a target of its own, or dbt would parse the others by it."""

    def run(*arguments: str) -> None:
        with monkeypatch.context() as environment:
            environment.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
            result = company.dbt(*arguments, "--vars", '{"partition_by_month": true}')
        assert result.success, company.capfd.readouterr().out

    return run


def months(company) -> dict[str, list[str]]:
    """Return the months of each large fact, such as 2026_03."""
    return {fact: [name.removeprefix(f"core.{fact}_") for (name,) in company.rows(MONTHS, (fact,))] for fact in LARGE}


def looked_at(company) -> dict[str, int]:
    """Return partition -> how often it was scanned, once what dbt has counted is there: its connections are gone."""
    others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    while company.value(others):
        pass
    return dict(company.rows(LOOKED_AT))


def test_months_hold_what_plain_tables_hold(company, partitioned):
    company.execute(SOME, (company.now - dt.timedelta(days=60), company.now), EVENTS)
    company.read()
    partitioned(*BUILD_FACTS)
    assert months(company) == dict.fromkeys(LARGE, ["2026_01", "2026_02", "2026_03"])
    assert company.value(IS_ANALYZED, ([f"core.{fact}" for fact in LARGE],)) == len(LARGE)

    # The next month begins: the last is looked at, and one is made; of the first only a row is, where no rule changed.
    before = looked_at(company)
    then, company.now = company.now, dt.datetime(2026, 4, 1, 2, 5, tzinfo=dt.timezone.utc)
    company.execute(SOME, (then, company.now), EVENTS)
    company.read()
    partitioned("run", "--select", FACTS)
    after = looked_at(company)
    found = {name[-7:] for name, scans in after.items() if scans > before.get(name, 0)}
    assert found - {"2026_01"} == {"2026_03", "2026_04"}
    assert months(company) == dict.fromkeys(LARGE, ["2026_01", "2026_02", "2026_03", "2026_04"])
    by_month = state(company)

    # Without the var their next month would have no place.
    assert not company.dbt(*BUILD_FACTS).success
    assert "dbt_project.yml: partition_by_month is false, and core.fct_" in company.capfd.readouterr().out

    rebuild(company)
    assert months(company) == dict.fromkeys(LARGE, [])
    assert state(company) == by_month

    # What was there before the var is moved into months by hand, and is the same.
    partitioned("run-operation", "partition_by_month")
    partitioned(*BUILD_FACTS)
    assert months(company) == dict.fromkeys(LARGE, ["2026_01", "2026_02", "2026_03", "2026_04"])
    assert state(company) == by_month
