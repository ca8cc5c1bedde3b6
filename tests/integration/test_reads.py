"""raw.reads: what each run reads, and what a run that died leaves."""

import datetime as dt
from contextlib import closing

import pytest

from ingest.reads import MOST_PERIODS, Reads
from tests.conftest import EVENTS, WAREHOUSE

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def read_periods(company):
    """Give a function that reads the events at an instant and returns the periods that this read."""

    def ingest(now: dt.datetime, *arguments: str) -> list[tuple]:
        company.now = now
        before = company.value("select coalesce(max(read_id), 0) from raw.reads") if company.has_reads() else 0
        code, printed = company.ingest("events", *arguments)
        assert code == 0, printed
        return company.rows(
            "select period_start, period_end from raw.reads where read_id > %s order by period_start", (before,)
        )

    company.has_reads = lambda: company.value("select to_regclass('raw.reads')") is not None
    return ingest


def test_the_first_read_appends_from_the_oldest_hour_to_now(company, read_periods):
    company.add_events((1, "login", at(18, 9, 40, month=2)), (2, "login", at(10, 12)))
    assert read_periods(at(10, 12, 5)) == [(at(18, 9, month=2), at(10, 12, 5))]
    assert company.rows("select source, stream, row_count, started_at, error, repeated_by from raw.reads") == [
        ("events", "events.events", 2, at(10, 12, 5), None, None)
    ]
    # A replacement would have gone through a table of the staging schema.
    assert company.value("select to_regclass('raw_staging.events_events')") is None
    assert company.value("select finished_at is not null from raw.reads")


def test_the_next_read_starts_a_lookback_earlier_and_a_new_day_seven_days(company, read_periods):
    company.add_events((1, "login", at(1, 0, 30, month=2)))
    read_periods(at(10, 12, 5))
    assert read_periods(at(10, 13, 5)) == [(at(10, 9), at(10, 13, 5))]
    # A business day of Paris starts at 23:00 UTC.
    assert read_periods(at(10, 22, 59)) == [(at(10, 10), at(10, 22, 59))]
    # Seven days before the end of what was read by yesterday.
    assert read_periods(at(10, 23, 1)) == [(at(3, 22), at(10, 23, 1))]
    assert read_periods(at(11, 0, 5)) == [(at(10, 20), at(11, 0, 5))]
    assert read_periods(at(11, 0, 10), "--reconcile") == [(at(3, 22), at(11, 0, 10))]
    company.set(SOURCES__EVENTS__LOOKBACK_HOURS="1")
    assert read_periods(at(11, 1)) == [(at(10, 23), at(11, 1))]
    company.set(SOURCES__EVENTS__LOOKBACK_HOURS="0")
    assert read_periods(at(11, 1)) == []


def test_what_no_run_has_read_is_read_however_long_ago(company, read_periods):
    company.set(SOURCES__EVENTS__START_AT="2026-02-01", SOURCES__EVENTS__LOOKBACK_HOURS="2")
    assert read_periods(at(10, 12, 5), "--from", "2026-02-10T00:20Z", "--to", "2026-02-11T03:01+01:00") == [
        (at(10, 0, month=2), at(11, 3, month=2))
    ]
    assert read_periods(at(10, 12, 6)) == [
        (at(1, 0, month=2), at(10, 0, month=2)),
        (at(11, 1, month=2), at(10, 12, 6)),
    ]
    company.set(SOURCES__EVENTS__START_AT="2026-01-30T12:00Z")
    assert read_periods(at(10, 13, 5)) == [
        (at(30, 12, month=1), at(1, 0, month=2)),
        (at(10, 10), at(10, 13, 5)),
    ]
    assert read_periods(at(12, 2, 5)) == [(at(3, 13), at(12, 2, 5))]


def test_a_range_asked_for_is_never_read_past_now(company, read_periods):
    company.add_events((1, "login", at(10, 9)), (2, "login", at(10, 8, 30)), (3, "login", at(10, 12, 30)))
    assert read_periods(at(10, 12, 5), "--from", "2026-03-10T08:00Z", "--to", "2027-01-01") == [
        (at(10, 8), at(10, 12, 5))
    ]
    read_periods(at(10, 13, 5))
    assert company.value("select count(*) from raw.events_events") == 3


def test_what_the_source_keeps_no_more_is_never_read(company, read_periods):
    company.set(SOURCES__EVENTS__KEEPS_DAYS="2")
    company.add_events((1, "login", at(1, 0)), (2, "login", at(8, 13)))
    assert read_periods(at(10, 12, 5)) == [(at(8, 13), at(10, 12, 5))]
    assert read_periods(at(10, 13, 5)) == [(at(10, 9), at(10, 13, 5))]
    assert read_periods(at(11, 1, 5)) == [(at(9, 2), at(11, 1, 5))]
    assert read_periods(at(11, 2, 5)) == [(at(10, 22), at(11, 2, 5))]
    assert read_periods(at(11, 3, 5), "--from", "2026-03-01", "--to", "2026-03-09T04:00Z") == []
    assert read_periods(at(11, 3, 6), "--from", "2026-03-01", "--to", "2026-03-09T06:00Z") == [(at(9, 4), at(9, 6))]


def test_a_read_that_failed_says_why_and_is_repeated(company, read_periods):
    company.add_events((1, "login", at(1, 0)), (2, "login", at(10, 12, 1)))
    read_periods(at(10, 12, 5))
    company.execute("alter table raw.events_events add constraint no_more check (event_id <> '3')")
    company.add_events((3, "login", at(5, 12), at(10, 13)))
    company.now = at(10, 13, 5)
    code, printed = company.ingest("events")
    assert code == 3
    assert "the warehouse refused the rows" in printed
    dead = company.rows(
        "select read_id, period_start, error from raw.reads where finished_at is null and repeated_by is null "
        "order by period_start"
    )
    assert [start for _, start, _ in dead] == [at(5, 12), at(10, 9)]
    assert all("no_more" in error for _, _, error in dead)
    assert company.value("select count(*) from raw.events_events") == 2

    company.execute("alter table raw.events_events drop constraint no_more")
    company.execute("delete from event where id = 3", database=EVENTS)
    company.add_events((4, "login", at(5, 12, 30)))
    assert read_periods(at(10, 19, 5)) == [(at(5, 12), at(5, 13)), (at(10, 9), at(10, 19, 5))]
    assert company.rows("select event_id from raw.events_events order by 1") == [("1",), ("2",), ("4",)]
    repeated = company.rows(
        "select dead.read_id, r.period_start from raw.reads dead join raw.reads r on r.read_id = dead.repeated_by "
        "where dead.finished_at is null order by dead.period_start"
    )
    assert repeated == [(read_id, start) for read_id, start, _ in dead]
    assert company.value("select count(*) from raw.reads where finished_at is null and repeated_by is null") == 0


def test_a_source_that_is_being_read_is_left_alone(company, read_periods):
    company.add_events((1, "login", at(10, 9)))
    read_periods(at(10, 12, 5))
    tables = ("raw.reads", "ops.runs", "raw.events_events")
    before = [company.rows(f"select * from {table} order by 1") for table in tables]
    company.now = at(10, 13, 5)
    with closing(company.server.connect(WAREHOUSE)) as connection:
        Reads(connection, "events", company.now)
        assert company.ingest("events") == (
            3,
            f"{'events':<18} FAILED: another run is reading it; wait for that one to end\n",
        )
        assert company.ingest()[0] == 1  # the website is not held up
    assert [
        company.rows(f"select * from {table} where source = 'events' order by 1") for table in tables[:2]
    ] == before[:2]
    assert company.rows("select * from raw.events_events") == before[2]
    assert company.ingest("events")[0] == 0


def test_many_late_hours_are_read_in_few_periods(company, read_periods):
    first = at(1, 0, 30, month=2)
    company.add_events((0, "login", first))
    read_periods(at(10, 12, 5))
    # Forty hours, two apart, but one gap of a day that stays open.
    hours = [first + 2 * n * HOUR + (DAY if n >= 20 else 0 * DAY) for n in range(1, 41)]
    company.add_events(*((n, "late", hour, at(10, 12, 30)) for n, hour in enumerate(hours, start=1)))
    periods = read_periods(at(10, 13, 5))
    assert len(periods) == MOST_PERIODS
    assert not any(start < hours[19] - 12 * HOUR < end for start, end in periods)
    assert company.value("select count(*) from raw.events_events where type = 'late'") == 40


def test_what_arrived_before_a_range_was_asked_for_is_not_forgotten(company, read_periods):
    company.add_events((1, "login", at(1, 0, 30, month=2)))
    read_periods(at(10, 12, 5))
    company.add_events((2, "late", at(2, 0, 30, month=2), at(10, 13)))
    read_periods(at(11, 12, 5), "--from", "2026-03-10T12:00Z", "--to", "2026-03-11T13:00Z")
    read_periods(at(11, 13, 5))
    assert company.value("select count(*) from raw.events_events where type = 'late'") == 1


def test_what_changed_at_the_source_during_a_pause_is_found_after_it(company):
    """Rows vanish in the days after they were read, and the next run comes weeks later: 7 days before the pause on."""
    company.add_events(*((number, "login", company.now - number * HOUR) for number in range(1, 240)))
    company.read("events")
    company.execute("delete from event where id between 24 and 160", database=EVENTS)
    company.now += 23 * DAY
    company.read("events", "--accept-loss")
    assert company.value("select count(*) from raw.events_events") == company.value(
        "select count(*) from event", database=EVENTS
    )


def test_a_read_that_was_open_for_days_is_built_all_the_same(company):
    """Later ones were built days ago; each build looks only at reads after those, but for the open one."""
    company.add_events((1, "login", company.now - 5 * HOUR))
    company.read("events")
    company.build_facts()
    open_read = """
        insert into raw.reads (source, stream, period_start, period_end, started_at)
        select 'events', 'events.events', %s, %s, %s returning read_id
    """
    with closing(company.server.connect(WAREHOUSE)) as connection, connection, connection.cursor() as cursor:
        hour = (company.now - 5 * HOUR).replace(minute=0)
        cursor.execute(open_read, (hour, hour + HOUR, company.now))
        (open_id,) = cursor.fetchone()
    company.execute("insert into raw.events_events select 'late', type, occurred_at from raw.events_events")
    company.now += HOUR
    company.read("website")
    company.build_facts()
    company.execute("update ops.built_reads set built_at = built_at - interval '2 days'")
    company.now += HOUR
    company.read("website")
    company.build_facts()
    until = company.rows("select read_id from ops.built_until where fact = 'fct_metric_hourly'")
    assert until == [(open_id - 1,)]
    company.execute("update raw.reads set finished_at = now() where read_id = %s", (open_id,))
    company.build_facts()
    assert company.value("select value from core.fct_metric_hourly where metric = 'events.count'") == 2
    company.execute("update ops.built_reads set built_at = built_at - interval '2 days'")
    company.build_facts()
    last = "select max(read_id) from raw.reads"
    assert company.rows(f"select read_id = ({last}) from ops.built_until where fact = 'fct_metric_hourly'") == [(True,)]


def test_what_was_built_long_ago_is_not_looked_at_again(company):
    """A build of one new read, after some years of reads, goes through none of the tables of all reads ever."""
    company.add_events((1, "login", company.now - 3 * HOUR))
    company.read()
    company.build("--select", "+core", "+ops")
    company.execute(
        """
        insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at, row_count)
        select source, stream, hour_at, hour_at + interval '1 hour', hour_at, hour_at, 0
        from (select distinct source, stream from raw.reads) as streams
        cross join generate_series(timestamptz '2021-01-01', '2023-01-01', '1 hour') as hours (hour_at);
        insert into ops.built_reads (fact, read_id, built_at)
        select fact, read_id, finished_at
        from (select distinct fact from ops.built_reads) as facts
        cross join raw.reads
        where finished_at < '2023-02-01'
        """
    )
    company.execute("update ops.built_reads set built_at = built_at - interval '2 days'")
    company.execute("analyze raw.reads, ops.built_reads")
    company.build("--select", "core", "ops")  # built_until rises
    company.now += HOUR
    company.read()
    looked_at = """
        select relname, seq_tup_read
        from pg_stat_user_tables
        where relname in ('reads', 'built_reads')
    """
    reads = company.value("select count(*) from raw.reads")
    assert reads > 50_000
    before = dict(company.rows(looked_at))
    company.build("--select", "core", "ops")
    assert [table for table, rows in company.rows(looked_at) if rows - before[table] >= reads] == []
