"""Large tables in a partition a month hold what plain ones hold, and a build looks into the months that are dirty."""

import datetime as dt

import pytest

from ingest import prune, raw
from tests.conftest import BUILD_FACTS, EVENTS, FACTS, WAREHOUSE
from tests.facts import rebuild, state

FACTS_OF_RAW = ("core.fct_metric_hourly", "core.fct_duration_hourly", "core.fct_user_activity_daily")
LARGE = ("raw.events_events", *FACTS_OF_RAW)
SOME = """
    insert into event (id, kind, occurred_at, recorded_at, user_id, duration_ms)
    select extract(epoch from at), 'kind ' || number %% 3, at, at, number %% 7, number %% 900
    from generate_series(%s, %s, interval '77 minutes') with ordinality as events (at, number)
"""
LOOKED_AT = """
    select tables.relname, coalesce(tables.seq_scan, 0) + coalesce(tables.idx_scan, 0)
    from pg_stat_user_tables as tables
    inner join pg_inherits on inhrelid = tables.relid
    where inhparent::regclass::text in ('raw.events_events', 'core.fct_metric_hourly', 'core.fct_user_activity_daily')
"""
MONTHS = "select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass order by 1"
PLAIN = """
    create table raw.plain (like raw.events_events including all);
    insert into raw.plain select * from raw.events_events;
    drop table raw.events_events cascade;
    alter table raw.plain rename to events_events
"""
UNTIL = "select until from ops.closed"
OPTIONS = """
    select oid::regclass::text, reloptions from pg_class
    where relkind = 'r' and relnamespace::regnamespace::text in ('raw', 'core', 'marts', 'ops')
"""
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


def months(company, tables=LARGE) -> set[tuple[str, ...]]:
    """Return the months that tables have, such as 2026_03: one set of them where all have the same."""
    return {tuple(name[-7:] for (name,) in company.rows(MONTHS, (table,))) for table in tables}


def looked_at(company) -> dict[str, int]:
    """Return partition -> how often it was scanned, once what dbt has counted is there: its connections are gone."""
    others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    while company.value(others):
        pass
    return dict(company.rows(LOOKED_AT))


def test_months_hold_what_plain_tables_hold(company, partitioned, monkeypatch):
    monkeypatch.setattr(raw, "dbt_vars", lambda: {"partition_by_month": True})
    company.execute(SOME, (company.now - dt.timedelta(days=60), company.now), EVENTS)
    company.read()
    company.execute("alter table raw.reads set (autovacuum_vacuum_threshold = 7)")
    partitioned(*BUILD_FACTS)
    assert months(company) == {("2026_01", "2026_02", "2026_03")}
    assert company.value(IS_ANALYZED, (list(LARGE),)) == len(LARGE)

    # Each month, and each other table, has settings of autovacuum: ours where nobody has set any by hand.
    options = dict(company.rows(OPTIONS))
    assert options.pop("raw.reads") == ["autovacuum_vacuum_threshold=7"]
    assert {"raw.events_events_2026_01", "core.fct_metric_hourly_2026_03", "ops.built_reads"} < set(options)
    assert all("autovacuum_vacuum_scale_factor=0.02" in (found or []) for found in options.values())

    # The next month begins: the last is looked at, and one is made; of the first only a row is, where no rule changed.
    # What is cheapest of a few thousand rows is not of millions: there must be a way that looks at no other.
    company.execute(f"alter database {WAREHOUSE} set enable_hashjoin = off")
    company.execute(f"alter database {WAREHOUSE} set enable_mergejoin = off")
    before = looked_at(company)
    then, company.now = company.now, dt.datetime(2026, 4, 1, 2, 5, tzinfo=dt.timezone.utc)
    company.execute(SOME, (then, company.now), EVENTS)
    company.read()
    partitioned("run", "--select", FACTS)
    after = looked_at(company)
    found = {name[-7:] for name, scans in after.items() if scans > before.get(name, 0)}
    assert found - {"2026_01"} == {"2026_03", "2026_04"}
    company.execute(f"alter database {WAREHOUSE} reset all")
    assert months(company) == {("2026_01", "2026_02", "2026_03", "2026_04")}
    by_month = state(company)

    # Without the var their next month would have no place.
    assert not company.dbt(*BUILD_FACTS).success
    assert "dbt_project.yml: partition_by_month is false, and " in company.capfd.readouterr().out

    # Plain ones that hold the same, and are moved into months by hand.
    company.execute(PLAIN)
    rebuild(company)
    assert months(company) == {()}
    assert state(company) == by_month
    partitioned("run-operation", "partition_by_month")
    partitioned(*BUILD_FACTS)
    assert months(company) == {("2026_01", "2026_02", "2026_03", "2026_04")}
    assert state(company) == by_month

    # To prune is to drop months, and what is old of the next one.
    company.set(SOURCES__EVENTS__PRUNE_AFTER_DAYS="10")
    company.capfd.readouterr()
    assert prune.main(["--yes"]) == 0
    assert "prune: dropped 1," in company.capfd.readouterr().out
    assert months(company, LARGE[:1]) == {("2026_03", "2026_04")}
    assert company.value("select min(occurred_at) from raw.events_events") >= company.value(UNTIL)
    partitioned("run", "--select", FACTS)
    assert state(company) == by_month
