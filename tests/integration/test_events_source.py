"""Events in raw equal the events at the source, as the latest read of each hour saw them."""

import datetime as dt
import json
from contextlib import closing

import pytest

from ingest.load import within_open_reads
from tests.conftest import EVENTS, WAREHOUSE

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
IN_RAW = "select event_id, type, occurred_at, user_id, duration_ms, attributes from raw.events_events"
AT_SOURCE = """
    select id::text, kind, occurred_at, user_id::text, duration_ms::bigint,
        jsonb_strip_nulls(jsonb_build_object('plan', attributes -> 'plan', 'status', attributes -> 'status'))
    from event
"""


def content(company, query: str, database: str | None = None) -> tuple:
    """Return the count and the sum of the hashes of whole rows: '' and NULL differ."""
    where = {"database": database} if database else {}
    return company.rows(f"select count(*), sum(hashtextextended(t::text, 0)) from ({query}) t", **where)[0]


def source(company, statement: str, parameters=None) -> None:
    company.execute(statement, parameters, database=EVENTS)


def ids(company, condition: str = "true") -> list[str]:
    return [row[0] for row in company.rows(f"select event_id from raw.events_events where {condition} order by 1")]


def fill(company, number: int, start: dt.datetime, end: dt.datetime) -> None:
    """Add events evenly spread over a time, of all kinds of values."""
    source(
        company,
        """
        insert into event
        select n, (array['login', 'crawl.finished', ''])[1 + n %% 3],
            %(start)s::timestamptz + n * (%(end)s::timestamptz - %(start)s) / %(number)s, now(),
            nullif(n %% 7, 0), nullif(n %% 11, 0),
            (array['{}', '{"plan": "", "email": "a@b.c"}', '{"plan": null, "status": "ok"}'])[1 + n %% 3]::jsonb
        from generate_series(0, %(number)s - 1) n
        """,
        {"number": number, "start": start, "end": end},
    )


def read(company, *arguments: str) -> None:
    code, printed = company.ingest("events", *arguments)
    assert code == 0, printed


@pytest.fixture
def table(company):
    """Give a function that makes the source's table anew, with settings of its own."""

    def make(definition: str, **settings) -> None:
        source(company, f"drop table event; create table event ({definition})")
        company.set(**{f"SOURCES__EVENTS__{name.upper()}": value for name, value in settings.items()})

    return make


def test_raw_equals_the_source_after_a_first_load_and_after_changes(company):
    fill(company, 5000, NOW - 10 * 24 * HOUR, NOW)  # ten days: two files
    read(company)
    assert content(company, IN_RAW) == content(company, AT_SOURCE, EVENTS)
    assert len(set(ids(company))) == len(ids(company)) == 5000

    source(company, "delete from event where id % 5 = 0; update event set duration_ms = 7 where id % 5 = 1")
    source(company, "update event set occurred_at = occurred_at - interval '1 day' where id % 50 = 2 and id > 1000")
    read(company, "--from", "2026-02-28", "--to", "2026-03-11")
    assert content(company, IN_RAW) == content(company, AT_SOURCE, EVENTS)
    assert company.value("select count(distinct event_id) from raw.events_events") == 4000

    # A period whose answer is empty.
    source(company, "delete from event where occurred_at between '2026-03-05' and '2026-03-05 01:00'")
    read(company, "--from", "2026-03-05T00:00Z", "--to", "2026-03-05T01:00Z")
    assert ids(company, "occurred_at >= '2026-03-05' and occurred_at < '2026-03-05 01:00'") == []
    assert content(company, IN_RAW) == content(company, AT_SOURCE, EVENTS)


def test_texts_arrive_as_they_are(company, table):
    table(
        "id text primary key, kind text, occurred_at timestamptz, user_id text, attributes jsonb",
        arrival_column="",
    )
    texts = [
        "",
        " ",
        "null",
        "NULL",
        "\\N",
        "\\.",
        '"',
        '""',
        "a,b",
        "it's",
        "line\nbreak",
        "\r\n",
        "\t",
        "é🐘",
        "%s",
        "{}",
    ]
    for number, text in enumerate(texts):
        source(
            company,
            "insert into event values (%s, %s, %s, %s, %s)",
            (f"{number} {text}", text, NOW - HOUR, text, json.dumps({"plan": text, "status": {"deep": [text, None]}})),
        )
    source(company, "insert into event values ('none', null, %s, null, null)", (NOW - HOUR,))
    read(company)
    assert content(company, IN_RAW) == content(
        company,
        """
        select id, coalesce(kind, ''), occurred_at, user_id, null::bigint,
            coalesce(attributes, '{}')
        from event
        """,
        EVENTS,
    )
    assert company.value("select count(*) from raw.events_events where user_id = ''") == 1
    assert company.value("select count(*) from raw.events_events where user_id is null") == 1


def test_texts_of_a_source_that_is_not_in_utf8_arrive(company):
    with closing(company.server.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("drop database if exists demo_test_latin with (force)")
        cursor.execute("create database demo_test_latin encoding 'LATIN1' locale 'C' template template0")
    latin = {"database": "demo_test_latin"}
    company.execute("create table event (id int, kind text, occurred_at timestamptz, attributes jsonb)", **latin)
    company.execute(
        "insert into event values (1, 'été', %s, %s)",
        (NOW - HOUR, json.dumps({"plan": "sûr"}, ensure_ascii=False)),
        **latin,
    )
    company.set(SOURCES__EVENTS__URL="postgresql:///demo_test_latin", SOURCES__EVENTS__ARRIVAL_COLUMN="")
    read(company)
    assert company.rows("select type, attributes from raw.events_events") == [("été", {"plan": "sûr"})]


def test_late_rows_are_found(company):
    company.add_events((0, "login", NOW - 40 * 24 * HOUR), (1, "login", NOW - HOUR))
    read(company)
    company.now = NOW + HOUR
    recorded = NOW + HOUR / 2
    company.add_events((2, "late by an hour", NOW - HOUR, recorded), (3, "late by a month", NOW - 720 * HOUR, recorded))
    # Committed late under an old stamp: only the lookback finds it.
    company.add_events((4, "stamped before it was committed", NOW - 2 * HOUR, NOW - 2 * HOUR))
    read(company)
    assert ids(company) == ["0", "1", "2", "3", "4"]

    company.set(SOURCES__EVENTS__ARRIVAL_COLUMN="")
    company.now = NOW + 2 * HOUR
    company.add_events((5, "late by a day", NOW - 24 * HOUR), (6, "late by a month", NOW - 720 * HOUR))
    read(company)
    assert ids(company) == ["0", "1", "2", "3", "4"]
    company.now = NOW + 14 * HOUR
    read(company)
    assert ids(company) == ["0", "1", "2", "3", "4", "5"]


def test_a_moved_row_is_where_the_latest_read_of_each_hour_saw_it(company):
    company.add_events((1, "login", NOW - 100 * HOUR), (2, "login", NOW - HOUR))
    read(company)
    source(company, "update event set occurred_at = %s where id = 1", (NOW - HOUR / 2,))
    company.now = NOW + HOUR
    read(company)
    # Its old hour was not read again: there the row still stands.
    assert ids(company) == ["1", "1", "2"]
    read(company, "--reconcile")
    assert content(company, IN_RAW) == content(company, AT_SOURCE, EVENTS)


def test_only_allowed_keys_and_columns_arrive(company, table):
    table(
        "id bigint, kind text, occurred_at timestamptz, email text, ip inet, attributes json",
        arrival_column="",
        attributes=json.dumps(["plan", "it's", "ключ", "a.b", 'quo"te']),
    )
    attributes = {
        "email": "a@b.c",
        "plan": "pro",
        "it's": 1,
        "ключ": "да",
        "a": {"b": "secret"},
        'quo"te': True,
        "Plan": "secret",
    }
    for number, value in enumerate([attributes, {}, [{"plan": "in a list"}], "plan", None]):
        source(
            company,
            "insert into event values (%s, 'x', %s, 'a@b.c', '1.2.3.4', %s)",
            (number, NOW - HOUR, json.dumps(value)),
        )
    read(company)
    allowed = {"plan": "pro", "it's": 1, "ключ": "да", 'quo"te': True}
    assert [row[0] for row in company.rows("select attributes from raw.events_events order by event_id")] == [
        allowed,
        {},
        {},
        {},
        {},
    ]
    assert (
        company.value("select count(*) from raw.events_events e where e::text like any (array['%%a@b%%', '%%1.2.3%%'])")
        == 0
    )
    assert {
        row[0]
        for row in company.rows("select column_name from information_schema.columns where table_name = 'events_events'")
    } == {"event_id", "type", "occurred_at", "user_id", "duration_ms", "attributes"}


def test_a_table_with_nothing_but_the_required_columns(company, table):
    table("event_id uuid, type text, occurred_at timestamptz", columns="{}", attributes="[]", arrival_column="")
    key = "0f8fad5b-d9cb-469f-a165-70867728950e"
    source(company, "insert into event values (%s, 'login', %s)", (key, NOW - HOUR))
    read(company)
    assert company.rows(IN_RAW) == [(key, "login", NOW - HOUR, None, None, None)]


def test_durations_are_whole_milliseconds(company, table):
    table(
        "id int, kind text, occurred_at timestamptz, took numeric",
        arrival_column="",
        attributes="[]",
        columns='{"event_id": "id", "type": "kind", "duration_ms": "took"}',
    )
    for number, took in enumerate(["0.4", "0.5", "-3", "12345678901.7", None]):
        source(company, "insert into event values (%s, 'x', %s, %s)", (number, NOW - HOUR, took))
    read(company)
    assert [row[0] for row in company.rows("select duration_ms from raw.events_events order by event_id")] == [
        0,
        1,
        -3,
        12345678902,
        None,
    ]

    for number, nonsense in enumerate(["NaN", "Infinity", "1e30"], start=10):
        source(company, "delete from event; insert into event values (%s, 'x', %s, %s)", (number, NOW - HOUR, nonsense))
        code, printed = company.ingest("events", "--reconcile")
        assert code == 78
        assert "[sources.events] columns" in printed
        assert "bigint" in printed
        assert len(printed.splitlines()) == 1
    assert len(ids(company)) == 5


def test_local_times_keep_their_instants_over_both_clock_changes(company, table):
    table(
        "id int, kind text, occurred_at timestamp",
        timezone="Europe/Paris",
        arrival_column="",
        attributes="[]",
        start_at="2025-10-25T22:00Z",
    )
    # In October 02:30 is there twice: PostgreSQL takes the second. In March it is not there: it takes 03:30.
    expected = {
        "2025-10-26 00:30": "2025-10-25 22:30",
        "2025-10-26 01:30": "2025-10-25 23:30",
        "2025-10-26 02:30": "2025-10-26 01:30",
        "2025-10-26 03:30": "2025-10-26 02:30",
        "2026-03-29 00:30": "2026-03-28 23:30",
        "2026-03-29 01:30": "2026-03-29 00:30",
        "2026-03-29 02:30": "2026-03-29 01:30",
        "2026-03-29 03:30": "2026-03-29 01:30",
        "2026-03-29 04:30": "2026-03-29 02:30",
    }
    for number, local in enumerate(expected):
        source(company, "insert into event values (%s, 'x', %s)", (number, local))
    query = "select to_char(occurred_at, 'YYYY-MM-DD HH24:MI') from raw.events_events order by event_id"
    company.now = dt.datetime(2026, 4, 1, tzinfo=UTC)
    read(company)
    assert [row[0] for row in company.rows(query)] == list(expected.values())
    # Hour by hour, each row is in one hour.
    for first in (dt.datetime(2025, 10, 25, 23, tzinfo=UTC), dt.datetime(2026, 3, 29, 0, tzinfo=UTC)):
        for hour in (first, first + HOUR, first + 2 * HOUR):
            read(company, "--from", hour.isoformat(), "--to", (hour + HOUR).isoformat())
    assert [row[0] for row in company.rows(query)] == list(expected.values())


def test_times_out_of_range_are_not_read(company):
    company.add_events(
        (1, "infinity", "infinity"),
        (2, "-infinity", "-infinity"),
        (3, "in the future", NOW + HOUR),
        (4, "last year", NOW - 8760 * HOUR),
        (5, "first", NOW - 48 * HOUR),
    )
    company.set(SOURCES__EVENTS__START_AT=(NOW - 50 * HOUR).isoformat())
    read(company)
    assert ids(company) == ["5"]
    company.now = NOW + 2 * HOUR
    read(company)
    assert ids(company) == ["3", "5"]
    company.set(SOURCES__EVENTS__START_AT="2025-01-01")
    read(company)
    assert ids(company) == ["3", "4", "5"]


def test_a_table_with_infinite_times_only_is_an_empty_one(company):
    company.add_events((1, "infinity", "infinity"), (2, "-infinity", "-infinity"))
    read(company)
    assert ids(company) == []
    company.add_events((3, "login", NOW + HOUR / 2))
    company.now = NOW + HOUR
    read(company)
    assert ids(company) == ["3"]


def test_an_answer_that_lost_most_rows_is_not_believed(company):
    fill(company, 120, NOW - 2 * HOUR, NOW)
    read(company)
    source(company, "delete from event where id >= 50")
    company.now = NOW + HOUR
    before = company.rows(IN_RAW + " order by 1")
    code, printed = company.ingest("events")
    assert code == 3
    assert printed.splitlines() == [
        f"{'events':<18} FAILED: events.events: the source answered 50 rows where the warehouse holds 120 for "
        "2026-03-10 10:00 to 2026-03-10 13:05 UTC; nothing was changed. If they are gone for good: "
        "python -m ingest events --accept-loss"
    ]
    assert company.rows(IN_RAW + " order by 1") == before
    assert company.rows("select error from raw.reads where finished_at is null") == [(printed[27:].strip(),)]
    read(company, "--accept-loss")
    assert len(ids(company)) == 50
    # Below a hundred rows half can be chance.
    source(company, "delete from event")
    read(company, "--reconcile")
    assert ids(company) == []


def test_loads_leave_nothing_behind(company):
    company.add_events((0, "login", NOW - 24 * HOUR))
    versions = []
    for hour in range(7):
        company.now = NOW + hour * HOUR
        company.add_events((hour + 1, "login", company.now - HOUR / 2))
        read(company)
        versions.append(company.value("select count(*) from raw._dlt_version"))
    assert versions[1] == versions[-1] <= 2
    assert len(ids(company)) == 8


def test_a_replacement_finds_its_rows_by_the_hour(company):
    """The one index of raw leads to the rows of a period, at the bounds that an open read has."""
    read(company)
    condition = within_open_reads("events.events", "occurred_at").replace("{table}", "raw.events_events")
    with closing(company.server.connect(WAREHOUSE)) as connection, connection.cursor() as cursor:
        cursor.execute("set enable_seqscan = off; set enable_bitmapscan = off")
        cursor.execute(f"explain delete from raw.events_events where {condition}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "using events_events_0 on events_events" in plan
    assert "Index Cond: ((date_bin(" in plan
