"""The website's objects: counted every hour, listed, never forgotten."""

import datetime as dt
import json

from tests.conftest import WEBSITE

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
USERS, PROFILES, KEYS = "apercite_account_user", "apercite_account_userprofile", "apercite_account_apikey"


def add(company, table: str, *created: dt.datetime | str | None) -> None:
    """Add rows to a table of the website; their ids go on from the last one."""
    for at in created:
        company.execute(
            f"insert into {table} (id, created_at) select coalesce(max(id), 0) + 1, %s from {table}", (at,), WEBSITE
        )


def delete(company, table: str, condition: str) -> None:
    company.execute(f"delete from {table} where {condition}", database=WEBSITE)


def read(company, *arguments: str) -> None:
    code, printed = company.ingest("website", *arguments)
    assert code == 0, printed


def counts(company, name: str, is_reconstructed: bool = False) -> list[tuple]:
    return company.rows(
        "select counted_at, row_count from raw.website_object_counts "
        "where object = %s and is_reconstructed = %s order by 1",
        (name, is_reconstructed),
    )


def listed(company, name: str, condition: str = "true") -> list[str]:
    query = f"select object_id from raw.website_objects where object = %s and {condition} order by object_id::int"
    return [row[0] for row in company.rows(query, (name,))]


def end_of(hour: dt.datetime) -> dt.datetime:
    return hour.replace(minute=59, second=59, microsecond=999999)


def periods(company, stream: str) -> list[tuple]:
    return company.rows(
        "select period_start, period_end from raw.reads where stream = %s and started_at = %s order by 1",
        (stream, company.now),
    )


def test_objects_are_counted_and_their_history_is_made_once(company):
    add(company, USERS, NOW - 4 * HOUR, NOW - 4 * HOUR, NOW - 2 * HOUR, NOW)
    add(company, PROFILES, NOW - HOUR)
    read(company)
    assert counts(company, "users") == [(NOW, 4)]
    assert counts(company, "profiles") == [(NOW, 1)]
    assert counts(company, "apikeys") == [(NOW, 0)]
    history = [(end_of(NOW - n * HOUR), count) for n, count in ((4, 2), (3, 2), (2, 3), (1, 3))]
    assert counts(company, "users", is_reconstructed=True) == history
    assert counts(company, "profiles", is_reconstructed=True) == [(end_of(NOW - HOUR), 1)]
    assert counts(company, "apikeys", is_reconstructed=True) == []
    first = NOW.replace(minute=0) - 4 * HOUR
    assert periods(company, "website.counts") == periods(company, "website.objects") == [(first, NOW)]
    assert listed(company, "users") == ["1", "2", "3"]  # the fourth belongs to the next read

    # What is counted stays, whatever becomes of the rows; each run adds a count.
    delete(company, USERS, "id = 1")
    add(company, USERS, NOW - 3 * HOUR)
    company.now = NOW + HOUR
    read(company)
    assert periods(company, "website.counts") == [(NOW.replace(minute=0), NOW + HOUR)]
    assert counts(company, "users") == [(NOW, 4), (NOW + HOUR, 4)]
    assert counts(company, "users", is_reconstructed=True) == history
    # A range asked for is not counted: the past can't be.
    company.now = NOW + 2 * HOUR
    read(company, "--from", "2026-03-10", "--to", "2026-03-11")
    assert periods(company, "website.counts") == []
    assert len(counts(company, "users")) == 2


def test_the_same_instant_counted_again_is_one_count(company):
    read(company)
    add(company, USERS, NOW - HOUR / 60)
    read(company)
    assert counts(company, "users") == [(NOW, 1)]


def test_all_counts_of_a_run_are_of_one_instant(company):
    """The first statement of the run takes the snapshot; what is committed while it counts is not in it."""
    add(company, USERS, NOW - HOUR)
    add(company, KEYS, NOW - HOUR)
    # Reading the users adds an API key: later in the run, yet not to be seen by it.
    company.execute(
        f"""
        create extension dblink;
        create function add_key(at timestamptz) returns timestamptz volatile language sql as $$
            select at from dblink_exec(
                'host={company.server.host} port={company.server.port} user={company.server.user}
                 password=''{company.server.password}'' dbname={WEBSITE}',
                'insert into {KEYS} select 1 + max(id), null, null, now() from {KEYS}'
            )
        $$;
        create view watched as select id, add_key(created_at) as created_at from {USERS};
        """,
        database=WEBSITE,
    )
    objects = {"users": "watched", "apikeys": KEYS}
    company.set(SOURCES__WEBSITE__OBJECTS=json.dumps(objects))
    read(company)
    assert company.value(f"select count(*) from {KEYS}", database=WEBSITE) > 1
    assert counts(company, "apikeys") == [(NOW, 1)]


def test_an_object_added_to_the_settings_gets_its_history_and_its_list(company):
    add(company, USERS, NOW - 30 * HOUR)
    add(company, KEYS, NOW - 33 * HOUR, NOW - 2 * HOUR)
    company.set(SOURCES__WEBSITE__OBJECTS=json.dumps({"users": USERS}))
    read(company)
    company.now = NOW + HOUR
    company.set(SOURCES__WEBSITE__OBJECTS=json.dumps({"users": USERS, "it's 100%": {"table": KEYS, "id": "id"}}))
    read(company)
    history = counts(company, "it's 100%", is_reconstructed=True)
    assert [count for _, count in history] == 31 * [1] + 3 * [2]
    assert counts(company, "it's 100%") == [(NOW + HOUR, 2)]
    assert listed(company, "it's 100%") == ["1", "2"]
    first = NOW.replace(minute=0) - 33 * HOUR
    assert periods(company, "website.counts") == periods(company, "website.objects") == [(first, NOW + HOUR)]
    assert len(counts(company, "users", is_reconstructed=True)) == 30


def test_new_rows_are_listed_hourly_and_all_rows_once_a_day(company):
    add(company, USERS, NOW - 100 * HOUR, NOW - 99 * HOUR, NOW - HOUR)
    read(company)
    company.now = NOW + HOUR
    add(company, USERS, NOW + HOUR / 2, NOW - HOUR, NOW - 50 * HOUR)  # new, late, later than the lookback
    delete(company, USERS, "id = 1")
    read(company)
    assert periods(company, "website.objects") == [((NOW - 3 * HOUR).replace(minute=0), NOW + HOUR)]
    assert listed(company, "users") == ["1", "2", "3", "4", "5"]
    assert listed(company, "users", "deleted_seen_at is not null") == []
    first_seen = company.rows("select object_id, seen_at from raw.website_objects where object_id = '3'")

    company.now = NOW + 11 * HOUR  # 00:05 of the next day in Paris
    read(company)
    assert listed(company, "users") == ["1", "2", "3", "4", "5", "6"]
    assert listed(company, "users", "deleted_seen_at is not null") == ["1"]
    assert company.value("select deleted_seen_at from raw.website_objects where object_id = '1'") == company.now
    assert first_seen == [("3", NOW)]
    assert set(listed(company, "users", f"seen_at = '{company.now}'")) == {"2", "3", "4", "5", "6"}

    # It comes back: no longer deleted. What is deleted stays listed for good, with the day it was missed first.
    company.now += HOUR
    company.execute(f"insert into {USERS} (id, created_at) values (1, %s)", (NOW - 100 * HOUR,), WEBSITE)
    delete(company, USERS, "id = 2")
    read(company, "--reconcile")
    missed = company.now
    assert listed(company, "users", "deleted_seen_at is not null") == ["2"]
    company.now += 24 * HOUR
    read(company)
    assert company.rows(
        "select object_id, deleted_seen_at from raw.website_objects where deleted_seen_at is not null"
    ) == [("2", missed)]
    assert listed(company, "users") == ["1", "2", "3", "4", "5", "6"]


def test_a_row_that_was_made_before_the_first_is_listed(company):
    add(company, USERS, NOW - 10 * HOUR)
    read(company)
    add(company, USERS, NOW - 1000 * HOUR)
    company.now = NOW + 24 * HOUR
    read(company)
    assert listed(company, "users") == ["1", "2"]
    assert periods(company, "website.objects") == [((NOW - 1000 * HOUR).replace(minute=0), company.now)]


def test_rows_without_a_time_or_with_a_coming_one_are_counted_and_listed_when_it_comes(company):
    company.execute(f"alter table {USERS} alter created_at drop not null", database=WEBSITE)
    add(company, USERS, NOW - HOUR, None, NOW + HOUR / 2, "infinity", "-infinity")
    add(company, PROFILES, NOW + HOUR)
    company.execute(f"insert into {KEYS} values (1, 1, 'secret', 'infinity')", database=WEBSITE)
    read(company)
    assert counts(company, "users") == [(NOW, 5)]
    assert counts(company, "users", is_reconstructed=True) == [(end_of(NOW - HOUR), 1)]
    assert listed(company, "users") == ["1"]
    assert counts(company, "apikeys") == counts(company, "profiles") == [(NOW, 1)]
    company.now = NOW + 2 * HOUR
    read(company)
    assert listed(company, "users") == ["1", "3"]
    assert listed(company, "profiles") == ["1"]
    assert counts(company, "profiles", is_reconstructed=True) == []


def test_only_rows_with_coming_times_are_counted_all_the_same(company):
    add(company, USERS, NOW + HOUR)
    company.execute(f"insert into {KEYS} values (1, 1, 'secret', 'infinity')", database=WEBSITE)
    read(company)
    assert counts(company, "users") == counts(company, "apikeys") == [(NOW, 1)]


def test_user_id_is_read_where_it_is_there_or_named(company):
    add(company, USERS, NOW - HOUR)
    company.execute(f"insert into {PROFILES} values (1, 42, %s)", (NOW - HOUR,), WEBSITE)
    objects = {"users": USERS, "profiles": PROFILES, "named": {"table": USERS, "user_id": "id"}}
    company.set(SOURCES__WEBSITE__OBJECTS=json.dumps(objects))
    read(company)
    assert company.rows("select object, object_id, user_id from raw.website_objects order by 1") == [
        ("named", "1", "1"),
        ("profiles", "1", "42"),
        ("users", "1", None),
    ]


def test_empty_tables_are_counted_as_none(company):
    read(company)
    company.now = NOW + 12 * HOUR
    read(company)
    assert counts(company, "users") == [(NOW, 0), (NOW + 12 * HOUR, 0)]
    assert listed(company, "users") == []


def test_a_list_that_lost_most_rows_is_not_believed(company):
    company.execute(
        f"insert into {USERS} select n, '', %s::timestamptz - n * interval '1 minute' from generate_series(1, 120) n",
        (NOW,),
        WEBSITE,
    )
    add(company, USERS, NOW - 100 * HOUR)
    company.execute(f"insert into {PROFILES} select n, n, %s from generate_series(1, 999) n", (NOW - HOUR,), WEBSITE)
    read(company)
    delete(company, USERS, "id > 30")  # a large table beside it does not hide that
    company.now = NOW + HOUR
    read(company)  # the hourly read of new rows says nothing about the others
    company.now = NOW + 12 * HOUR
    before = company.rows("select * from raw.website_objects order by object, object_id")
    code, printed = company.ingest("website")
    assert code == 3
    assert printed.startswith(f"{'website':<18} FAILED: website.objects of users: the source answered 30 rows")
    assert printed.endswith("python -m ingest website --accept-loss\n")
    assert "holds 121" in printed
    assert company.rows("select * from raw.website_objects order by object, object_id") == before
    read(company, "--accept-loss")
    assert len(listed(company, "users", "deleted_seen_at is not null")) == 91
    assert company.value("select count(*) from raw.reads where finished_at is null and repeated_by is null") == 0


def test_a_run_that_died_is_repeated_without_a_second_history(company):
    add(company, USERS, NOW - 2 * HOUR)
    company.ingest("events")  # makes the tables
    company.execute("alter table raw.website_objects add constraint no_more check (object_id <> '1')")
    code, printed = company.ingest("website")
    assert code == 3
    assert "no_more" in printed
    company.execute("alter table raw.website_objects drop constraint no_more")
    company.now = NOW + HOUR
    add(company, USERS, NOW - 2 * HOUR)
    read(company)
    assert len(counts(company, "users", is_reconstructed=True)) == 2 + (len(counts(company, "users")) == 1)
    assert listed(company, "users") == ["1", "2"]
    assert company.value("select count(*) from raw.reads where finished_at is null and repeated_by is null") == 0
    first = (NOW - 2 * HOUR).replace(minute=0)
    assert periods(company, "website.counts")[0][0] == periods(company, "website.objects")[0][0] == first


def test_loads_leave_nothing_behind(company):
    versions = []
    for day in range(3):
        for hour in range(2):
            company.now = NOW + (24 * day + hour) * HOUR
            add(company, USERS, company.now - HOUR / 2)
            read(company)
            versions.append(company.value("select count(*) from raw._dlt_version"))
    assert versions[3] == versions[-1] == 2  # the whole list, and the new rows
    assert len(listed(company, "users")) == 6
