"""Status reports in raw equal those at the source, and hours are what plain SQL says of the source."""

import datetime as dt
import json

import pytest

from tests.conftest import SPIDERS

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
NOW = dt.datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
SECRET = "ada@example.com"
WORKERS = "select workers from raw.spiders_statuses order by reported_at"
# Every second worker has a stage; a spider's number says how often it reports, and how many workers it has.
REPORTS = """
    insert into spider_status
    select s, coalesce((
        select jsonb_agg(case w % 2 when 0 then '{"stage": "crawl"}' else '{"pid": 7}' end::jsonb)
        from generate_series(1, (s * extract(minute from at)::int) % 7) w
    ), '[]'), at
    from generate_series(1, 3) s, generate_series(%(start)s, %(end)s - interval '1 second', s * interval '7 minutes') at
""".replace(" % ", " %% ")
# Counted by hand: no word of this stands in a model.
HOURS_AT_SOURCE = """
    with report as (
        select value as spider, date_trunc('hour', t.created_at) as hour, t.created_at as at,
            jsonb_array_length(attributes) as total,
            jsonb_array_length(jsonb_path_query_array(attributes, '$[*].stage')) as active
        from spider_status t join spider on spider.id = spider_id
        where t.created_at >= %(start)s
    ),
    late as (select distinct on (spider, hour) * from report where at >= hour + interval '30 min'
             order by spider, hour, at desc)
    select 'spiders.total', spider, hour, total::float8 from late
    union all select 'spiders.active', spider, hour, active from late
    union all select 'spiders.idle', spider, hour, total - active from late
    union all select 'spiders.active.mean', spider, hour, sum(active)::float8 / count(*) from report group by 2, 3
    order by 1, 2, 3
"""
HOURS = """
    select metric, labels ->> 'spider', time, value from marts.mart_hourly
    where metric like 'spiders%%' order by 1, 2, 3
"""


@pytest.fixture
def spiders(company):
    """Give a company with three spiders that have said nothing yet."""
    company.add_spiders()
    source(company, "insert into spider values (1, 'arachne'), (2, 'shelob'), (3, 'l''araignée')")
    return company


def source(company, statement: str, parameters=None) -> None:
    company.execute(statement, parameters, database=SPIDERS)


def report(company, *reports: tuple) -> None:
    """Add reports (spider_id, workers, created_at)."""
    for spider_id, workers, at in reports:
        values = (spider_id, json.dumps(workers), at)
        source(company, "insert into spider_status values (%s, %s, %s)", values)


def fill(company, start: dt.datetime, end: dt.datetime) -> None:
    source(company, REPORTS, {"start": start, "end": end})


def held(company) -> list[tuple]:
    """Return the reports in raw: spider, time, number of workers."""
    query = "select spider, reported_at, jsonb_array_length(workers) from raw.spiders_statuses order by 1, 2, 3"
    return company.rows(query)


def there(company) -> list[tuple]:
    """Return the reports at the source."""
    query = """
        select value, t.created_at, jsonb_array_length(attributes)
        from spider_status t join spider on id = spider_id where t.created_at < %s order by 1, 2, 3
    """
    return company.rows(query, (company.now,), database=SPIDERS)


def read(company, *arguments: str) -> None:
    code, printed = company.ingest("spiders", *arguments)
    assert code == 0, printed


def failure(company, **settings) -> str:
    """Read with some settings; returns the one line that says what is wrong."""
    with company.monkeypatch.context() as patched:
        for name, value in settings.items():
            text = value if isinstance(value, str) else json.dumps(value)
            patched.setenv(f"SOURCES__SPIDERS__{name.upper()}", text)
        code, printed = company.ingest("spiders")
    assert (code, printed.count("\n")) == (78, 1), printed
    start = f"{'spiders':<18} FAILED: [sources.spiders] "
    assert printed.startswith(start), printed
    return printed[len(start) :].strip()


def test_hours_are_what_plain_sql_says_of_the_source(spiders):
    start = NOW.replace(minute=0) - 60 * HOUR  # more than two days: two files
    fill(spiders, start, NOW)
    # arachne is silent for the last half of an hour, shelob for hours.
    silent = NOW.replace(minute=0) - 5 * HOUR
    lost = "delete from spider_status where spider_id = %s and created_at between %s and %s"
    source(spiders, lost, (1, silent + 30 * MINUTE, silent + 59 * MINUTE))
    source(spiders, lost, (2, silent - 4 * HOUR, silent))
    read(spiders)
    assert held(spiders) == there(spiders)
    spiders.build_facts()
    expected = spiders.rows(HOURS_AT_SOURCE, {"start": start}, SPIDERS)
    found = spiders.rows(HOURS)
    assert len(found) > 500
    assert found == expected
    assert ("spiders.total", "arachne", silent) not in {row[:3] for row in found}
    assert ("spiders.active.mean", "arachne", silent) in {row[:3] for row in found}
    assert any(row[3] == 0 for row in found if row[0] == "spiders.total")
    complete = spiders.rows(
        "select distinct is_complete from marts.mart_hourly where metric like 'spiders%%' and time < %s",
        (NOW - 2 * HOUR,),
    )
    assert complete == [(True,)]


def test_late_changed_and_vanished_reports(spiders):
    fill(spiders, NOW - 40 * HOUR, NOW)
    read(spiders)
    spiders.now = NOW + HOUR
    report(spiders, (1, [{"stage": "x"}] * 9, NOW - 2 * HOUR), (1, [], NOW - 30 * HOUR))
    source(spiders, "delete from spider_status where created_at between %s and %s", (NOW - 2 * HOUR, NOW - HOUR))
    source(spiders, "update spider_status set attributes = '[{}, {}]' where created_at >= %s", (NOW - HOUR,))
    read(spiders)
    # Within the lookback all is found; what is older waits for the first run of a business day.
    recent = NOW.replace(minute=0) - 3 * HOUR
    assert [row for row in held(spiders) if row[1] >= recent] == [row for row in there(spiders) if row[1] >= recent]
    assert held(spiders) != there(spiders)
    spiders.now = NOW + 13 * HOUR
    read(spiders)
    assert held(spiders) == there(spiders)
    # Older than 7 days only by hand.
    report(spiders, (2, [], NOW - 400 * HOUR))
    read(spiders, "--reconcile")
    assert held(spiders) != there(spiders)
    read(spiders, "--from", "2026-02-20", "--to", "2026-03-01")
    assert held(spiders) == there(spiders)


def test_an_answer_that_lost_most_reports_is_not_believed(spiders):
    fill(spiders, NOW - 20 * HOUR, NOW)
    read(spiders)
    before = held(spiders)
    source(spiders, "delete from spider_status where spider_id = 1 or created_at > %s", (NOW - 15 * HOUR,))
    code, printed = spiders.ingest("spiders", "--reconcile")
    assert code == 3
    assert "spiders.statuses: the source answered" in printed
    assert printed.strip().endswith("python -m ingest spiders --accept-loss")
    assert held(spiders) == before
    read(spiders, "--reconcile", "--accept-loss")
    assert held(spiders) == there(spiders)


@pytest.mark.parametrize("json_type", ["json", "jsonb"])
def test_of_a_worker_only_its_stage_arrives(spiders, json_type):
    source(spiders, f"alter table spider_status alter attributes type {json_type}")
    shapes = {
        '[{"stage": "crawl", "email": "%s"}, {"pid": 1}]': [{"stage": "crawl"}, {}],
        '[{"stage": null}, {"stage": ""}, {"Stage": "%s"}, {"a": {"stage": "%s"}}]': [{}, {"stage": ""}, {}, {}],
        '[{"stage": 0}, {"stage": false}, {"stage": ["a"]}]': [{"stage": 0}, {"stage": False}, {"stage": ["a"]}],
        "[]": [],
        '["%s", 7, null, true, [{"stage": "%s"}], {"stage": "x"}]': [
            "string", "number", "null", "boolean", "array", {"stage": "x"}
        ],
        '{"email": "%s", "stage": "x"}': "object",
        '"%s"': "string",
        "7": "number",
        "true": "boolean",
        "null": "null",
    }  # fmt: skip
    for number, shape in enumerate(shapes):
        values = (shape.replace("%s", SECRET), NOW - HOUR + number * MINUTE)
        source(spiders, "insert into spider_status values (1, %s, %s)", values)
    source(spiders, "insert into spider_status values (1, null, %s)", (NOW - MINUTE,))
    read(spiders)
    assert [row[0] for row in spiders.rows(WORKERS)] == [*shapes.values(), None]
    assert spiders.value("select count(*) from raw.spiders_statuses s where s::text like '%%ada@%%'") == 0
    columns = "select column_name from information_schema.columns where table_name = 'spiders_statuses'"
    assert {row[0] for row in spiders.rows(columns)} == {"spider_id", "spider", "workers", "reported_at"}


def test_odd_reports_are_in_no_number_and_are_shown(spiders):
    hour = NOW.replace(minute=0) - HOUR
    report(
        spiders,
        (1, [{"stage": "x"}, {}], hour + 40 * MINUTE),
        (1, ["w1", {"stage": "x"}], hour + 50 * MINUTE),
        (2, {"stage": "x"}, hour + 50 * MINUTE),
        (2, None, hour + 55 * MINUTE),
    )
    read(spiders)
    result = spiders.dbt("build", "--exclude-resource-type", "unit_test")
    assert result.success
    assert "every_spider_status_is_counted" in spiders.capfd.readouterr().out
    assert {row[1:] for row in spiders.rows(HOURS)} == {("arachne", hour, 1), ("arachne", hour, 2)}
    assert spiders.rows("select spider, workers from ops.odd_spider_statuses order by reported_at, spider") == [
        ("arachne", ["string", {"stage": "x"}]),
        ("shelob", "object"),
        ("shelob", "null"),
    ]


def test_reports_of_one_instant_and_spiders_without_a_name(spiders):
    """No key at the source: what is there twice is twice in raw, and once in the numbers."""
    hour = NOW.replace(minute=0) - HOUR
    at = hour + 50 * MINUTE
    source(spiders, "insert into spider values (4, null)")
    report(spiders, (1, [{"stage": "x"}], at), (1, [{"stage": "x"}], at), (1, [{"stage": "x"}, {}], at))
    report(spiders, (4, [{}], at), (77, [{}, {}], at), (None, [{}] * 3, at))
    read(spiders)
    spiders.build_facts()
    assert len(held(spiders)) == 6
    totals = spiders.rows(
        "select labels ->> 'spider', value, sample_count from core.fct_metric_hourly "
        "inner join core.dim_series using (series_id) where dim_series.metric = 'spiders.total' order by 1"
    )
    assert totals == [("", 3, 1), ("4", 1, 1), ("77", 2, 1), ("arachne", 2, 1)]


def test_a_window_changes_all_of_history_and_one_that_means_nothing_is_refused(spiders):
    fill(spiders, NOW - 10 * HOUR, NOW)
    read(spiders)
    spiders.build_facts()
    half = spiders.rows(HOURS)
    spiders.build_facts("--vars", "{spider_window_minutes: 60}")
    whole = spiders.rows(HOURS)
    assert len(whole) > len(half)
    spiders.build_facts()
    assert spiders.rows(HOURS) == half
    for wrong in ("61", "0", "30.5", "half"):
        spiders.capfd.readouterr()
        result = spiders.dbt("build", "--vars", f"{{spider_window_minutes: {wrong}}}")
        assert not result.success
        assert f"dbt_project.yml: spider_window_minutes is {wrong}; write a whole number" in (
            spiders.capfd.readouterr().out + str(result.exception)
        )
    spiders.build_facts()


def test_other_names_types_and_local_times(spiders):
    """In October 02:30 of Paris is there twice: PostgreSQL takes the second."""
    source(
        spiders,
        """
        create schema crawl;
        create table crawl.bot (key text, label varchar(9));
        create table crawl.ping (bot text, "the workers" json, at timestamp);
        insert into crawl.bot values ('a', 'it''s');
        insert into crawl.ping values
            ('a', '[{"it''s": "x"}]', '2025-10-26 01:30'), ('a', '[]', '2025-10-26 02:30'), ('a', '[]', 'infinity');
        """,
    )
    columns = {"id": "key", "spider": "label", "spider_id": "bot", "workers": "the workers", "reported_at": "at"}
    spiders.set(
        SOURCES__SPIDERS__SPIDER_TABLE="crawl.bot",
        SOURCES__SPIDERS__STATUS_TABLE="crawl.ping",
        SOURCES__SPIDERS__COLUMNS=json.dumps(columns),
        SOURCES__SPIDERS__STAGE_KEY="it's",
        SOURCES__SPIDERS__TIMEZONE="Europe/Paris",
    )
    read(spiders)
    assert spiders.rows("select spider_id, spider, workers, reported_at from raw.spiders_statuses order by 4") == [
        ("a", "it's", [{"stage": "x"}], dt.datetime(2025, 10, 25, 23, 30, tzinfo=UTC)),
        ("a", "it's", [], dt.datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),
    ]


def test_where_reading_starts(spiders):
    read(spiders)  # an empty table is read from now on
    report(spiders, (1, [], NOW - 50 * HOUR), (1, [], NOW - 20 * HOUR), (1, [], NOW + HOUR))
    read(spiders)
    assert held(spiders) == []
    spiders.set(SOURCES__SPIDERS__START_AT=(NOW - 30 * HOUR).isoformat())
    read(spiders)
    assert [row[1] for row in held(spiders)] == [NOW - 20 * HOUR]
    # What the source keeps no more is not read, and so not lost.
    spiders.set(SOURCES__SPIDERS__KEEPS_DAYS="1", SOURCES__SPIDERS__START_AT="2026-01-01")
    source(spiders, "delete from spider_status where created_at < %s", (NOW,))
    spiders.now = NOW + 8 * HOUR
    read(spiders, "--from", "2026-01-01", "--to", "2026-04-01")
    assert [row[1] for row in held(spiders)] == [NOW - 20 * HOUR, NOW + HOUR]


def test_a_bad_setting_is_one_line_that_names_it(spiders):
    line = failure(spiders, status_table="no_such")
    assert line.startswith(f"status_table: there is no table no_such in database {SPIDERS} that tester can see; ")
    assert failure(spiders, spider_table="spidr").startswith("spider_table: there is no table spidr in database ")
    assert failure(spiders, columns={"workers": "atributes"}) == (
        "columns.workers: spider_status has no column atributes; did you mean attributes?"
    )
    assert failure(spiders, columns={"spider": "name"}).startswith(
        "columns.spider: spider has no column name; it has: "
    )
    assert failure(spiders, columns={"stage": "x"}) == (
        "columns.stage: no such column; there are: spider_id, workers, reported_at, id, spider"
    )
    assert failure(spiders, columns={"workers": "created_at"}).endswith("needed is jsonb or json")
    assert failure(spiders, columns={"reported_at": "spider_id"}).startswith("columns.reported_at: column ")
    assert failure(spiders, stage="x") == "stage: no such setting; did you mean stage_key?"
    assert failure(spiders, start_at="soon").startswith("start_at: 'soon' is no instant; ")
    assert failure(spiders, keeps_days="0").startswith("keeps_days: ")
    assert failure(spiders, timezone="Paris") == "timezone: no such time zone; write one such as Europe/Paris"
    source(spiders, "alter table spider_status alter attributes type json")
    source(spiders, """insert into spider_status values (1, '["\\u0000"]', %s)""", (NOW - HOUR,))
    assert failure(spiders).startswith("columns: a value can't be read: unsupported Unicode escape sequence")
