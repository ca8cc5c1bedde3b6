"""What is read of a real Prometheus equals what its samples truly hold; what goes wrong is one line with the cure."""

import datetime as dt
import json
import math
from pathlib import Path

import pytest

from tests.conftest import BUILD_FACTS
from tests.integration.prometheus_server import (
    GAP,
    HOUR,
    LATE,
    NAN,
    NOW,
    START,
    UTC,
    Values,
    counted,
    hours,
    increase,
    install_history,
    make_history,
    quantile,
    serve,
    window,
)

QUERIES = {
    "requests": {
        "metric": "t.requests",
        "expr": "http_requests_total",
        "value": "increase",
        "labels": ["instance", "status"],
    },
    "exact": {
        "metric": "t.exact",
        "expr": "http_requests_total",
        "value": "exact",
        "labels": ["status"],
        "across": "sum",
    },
    "queue": {"metric": "t.queue", "expr": "queue_depth", "value": "average"},
    "size": {"metric": "t.size", "expr": "db_size_bytes", "value": "last"},
    "p95": {
        "metric": "t.p95",
        "expr": "histogram_quantile(0.95, sum by (le) (increase(duration_seconds_bucket[1h])))",
        "value": "reported",
    },
}


@pytest.fixture(scope="session")
def history():
    """Give the samples of each series."""
    return make_history()


@pytest.fixture(scope="session")
def blocks(history, tmp_path_factory) -> Path:
    """Give a folder with the history as TSDB blocks."""
    folder = tmp_path_factory.mktemp("history") / "blocks"
    install_history(folder, history)
    return folder


@pytest.fixture(scope="session")
def prometheus(blocks, tmp_path_factory):
    """Give the real server."""
    with serve(blocks, tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture
def read(company, prometheus):
    """Give a function that reads the given queries, all by default, and returns the exit code and what was printed."""
    company.now = NOW

    def run(*arguments: str, queries: dict | None = None, **settings) -> tuple[int, str]:
        given = {"enabled": "true", "url": prometheus.url, "start_at": START.isoformat()} | settings
        given["queries"] = json.dumps(QUERIES if queries is None else queries)
        company.set(**{f"SOURCES__PROMETHEUS__{name.upper()}": str(value) for name, value in given.items()})
        return company.ingest("prometheus", *arguments)

    return run


def samples(company, query: str) -> tuple[Values, dict]:
    """Return the values, and the sample counts, that raw holds of a query."""
    rows = company.rows(
        "select labels, hour_at, value, sample_count from raw.prometheus_samples where stream = %s",
        (f"prometheus.{query}",),
    )
    assert len({(str(labels), at) for labels, at, *_ in rows}) == len(rows)
    cells = [((tuple(sorted(labels.items())), at), value, count) for labels, at, value, count in rows]
    return {cell: value for cell, value, _ in cells}, {cell: count for cell, _, count in cells}


def truly(series: dict, value) -> Values:
    """Return what a function of samples and an hour's bounds makes of series, where it makes something."""
    cells = {(labels, hour): value(each, hour, hour + HOUR) for labels, each in series.items() for hour in hours()}
    return {cell: number for cell, number in cells.items() if number is not None and math.isfinite(number)}


def difference(found: Values, true: Values) -> float:
    """Return the largest relative difference of values in the same cells."""
    assert found.keys() == true.keys(), sorted(found.keys() ^ true.keys())
    return max(abs(found[cell] - true[cell]) / max(abs(true[cell]), 1e-9) for cell in true)


def count(each, start, end) -> int:
    return len(window(each, start, end))


def test_every_hour_is_what_the_samples_truly_hold(company, read, history):
    code, printed = read()
    assert code == 0, printed
    assert "Prometheus 2." in printed

    requests = history["http_requests_total"]
    found, counts = samples(company, "requests")
    assert difference(found, truly(requests, increase)) < 1e-12
    assert counts == {cell: number for cell, number in truly(requests, count).items() if cell in found}
    assert {status for ((_, (_, status)), at) in found if at < LATE - HOUR} == {"200", "404", "500"}
    assert not [at for _, at in found if GAP[0] < at < GAP[1] - HOUR]

    found, counts = samples(company, "exact")
    true = {}
    for status in ("200", "404", "500", "429"):
        parts = [truly({(): requests[("instance", one), ("status", status)]}, counted) for one in "ab"]
        for (_, at), value in parts[0].items():
            true[(("status", status),), at] = value + parts[1][(), at]
    assert found == true
    assert len(found) > 400
    assert counts[(("status", "200"),), START] == 120

    gauge = history["queue_depth"][("instance", "a"),]
    found, counts = samples(company, "queue")
    true = truly({(): gauge}, lambda each, *at: _mean([value for _, value in window(each, *at)]))
    assert difference(found, true) < 1e-9
    assert not [at for _, at in found if NAN[0] - HOUR < at < NAN[1]]
    assert "NaN and Inf are not stored" in printed

    size = history["db_size_bytes"][()]
    found, counts = samples(company, "size")
    assert found == truly({(): size}, lambda each, *at: window(each, *at)[-1][1] if window(each, *at) else None)

    buckets = history["duration_seconds_bucket"]
    found, counts = samples(company, "p95")
    assert difference(found, truly({(): None}, lambda _, *at: quantile(buckets, 0.95, *at))) < 1e-9
    assert set(counts.values()) == {None}
    days = dict(company.rows("select day_at, value from raw.prometheus_days"))
    assert [str(at) for at in sorted(days)] == [
        "2026-03-25 23:00:00+00:00",
        "2026-03-26 23:00:00+00:00",
        "2026-03-27 23:00:00+00:00",
        "2026-03-28 23:00:00+00:00",  # 23 hours
        "2026-03-29 22:00:00+00:00",
    ]
    for at, value in days.items():
        end = at + (23 if at.day == 28 else 24) * HOUR
        assert value == pytest.approx(quantile(buckets, 0.95, at, end), rel=1e-9)


@pytest.fixture
def registered(company, project):
    """Give a function that builds a project that knows the tests' metrics."""
    lines = "".join(
        f"{metric},,,,{kind},prometheus.{name},,,,active,false,false,{day},none,5,120,,,,,,1\n"
        for metric, kind, name, day in (
            ("t.exact", "counter", "exact", "hours"),
            ("t.queue", "gauge", "queue", "hours"),
            ("t.p95", "reported", "p95", "source"),
        )
    )
    seeds = project / "seeds" / "metrics.csv"
    seeds.write_text(seeds.read_text() + lines)

    def build() -> None:
        company.capfd.readouterr()
        result = company.dbt(*BUILD_FACTS, project=project)
        assert result.success, company.capfd.readouterr().out

    return build


DAILY = """
    select date_day::text, value, is_complete, origin
    from marts.mart_daily inner join core.fct_metric_daily using (series_id, date_day, value)
    where mart_daily.metric = %s order by 1
"""


def test_reported_days_get_in_become_complete_and_are_revised(company, read, registered, history):
    """A day that merges with no hours: as the source reports it, once it is over; what changes is in the revisions."""
    company.now = dt.datetime(2026, 3, 29, 21, 30, tzinfo=UTC)
    read()
    registered()
    buckets = history["duration_seconds_bucket"]
    days = {
        "2026-03-26": quantile(buckets, 0.95, START, START + 24 * HOUR),
        "2026-03-27": quantile(buckets, 0.95, START + 24 * HOUR, START + 48 * HOUR),
        "2026-03-28": quantile(buckets, 0.95, START + 48 * HOUR, START + 72 * HOUR),
        "2026-03-29": quantile(buckets, 0.95, START + 72 * HOUR, START + 95 * HOUR),
    }
    found = company.rows(DAILY, ("t.p95",))
    assert [row[0] for row in found] == list(days)[:3]
    assert [row[1] for row in found] == pytest.approx(list(days.values())[:3], rel=1e-9)
    assert {row[2:] for row in found} == {(True, "reported")}
    expected = "select distinct hours_observed, hours_expected from core.fct_metric_daily where metric = 't.p95'"
    assert company.rows(expected) == [(None, 24)]

    company.now += HOUR  # 22:30, half an hour after the end of the 23-hour day
    read()
    registered()
    found = company.rows(DAILY, ("t.p95",))
    assert found[-1] == ("2026-03-29", pytest.approx(days["2026-03-29"], rel=1e-9), True, "reported")

    # The server's history changes, as after a backfill: the day is restated, and says so.
    other = QUERIES | {"p95": QUERIES["p95"] | {"expr": QUERIES["p95"]["expr"].replace("0.95", "0.5")}}
    company.now += HOUR
    read(queries=other)
    registered()
    revised = company.rows(
        "select (period_at at time zone 'Europe/Paris')::date::text, old_value, reason from core.fct_metric_revision "
        "where grain = 'day' and metric = 't.p95'"
    )
    assert revised == [("2026-03-29", pytest.approx(days["2026-03-29"], rel=1e-9), "restated")]


def test_hours_and_days_of_facts_are_those_of_the_samples(company, read, registered, history):
    """Counters are summed by day, gauges weighted by their samples; absent is not 0; the last hour has settled."""
    read()
    registered()
    hourly = company.rows("select time, value, is_complete from marts.mart_hourly where series = 't.exact{status=200}'")
    assert len(hourly) == len(
        company.rows(
            "select from raw.prometheus_samples where labels = '{\"status\": \"200\"}' and stream = 'prometheus.exact'"
        )
    )
    assert all(is_complete for *_, is_complete in hourly)
    assert max(time for time, *_ in hourly) == NOW.replace(minute=0) - HOUR
    gauge = history["queue_depth"][("instance", "a"),]
    for day, value, is_complete, _ in company.rows(DAILY, ("t.queue",)):
        start = dt.datetime.fromisoformat(f"{day}T00:00+01:00") - (HOUR if day > "2026-03-29" else 0 * HOUR)
        end = start + (23 if day == "2026-03-29" else 24) * HOUR
        # Hours with a NaN in them have no value, and their samples no weight.
        kept = [
            one
            for number in range((min(end, NOW.replace(minute=0)) - start) // HOUR)
            for one in [window(gauge, start + number * HOUR, start + (number + 1) * HOUR)]
            if all(math.isfinite(each) for _, each in one)
        ]
        assert value == pytest.approx(_mean([each for one in kept for _, each in one]), rel=1e-9)
        assert is_complete == (end <= NOW)


def stored(company) -> list[tuple]:
    """Return all that raw holds."""
    return company.rows(
        "select stream, labels::text, hour_at, value, sample_count from raw.prometheus_samples "
        "union all select stream, labels::text, day_at, value, null from raw.prometheus_days order by 1, 2, 3, 4"
    )


def failure(printed: str) -> str:
    """Return the one line that was printed, without what all of them begin with."""
    start = f"{'prometheus':<18} FAILED: "
    assert printed.startswith(start), printed
    assert printed.count("\n") == 1, printed
    return printed.strip().removeprefix(start)


def test_a_run_an_hour_reads_what_one_run_reads(company, read):
    """However chunks and runs cut the time: the same values, and nothing twice."""
    for at in (NOW - 50 * HOUR, NOW - 49.5 * HOUR, NOW - 13 * HOUR, NOW - 13 * HOUR, NOW):
        company.now = at
        code, printed = read()
        assert code == 0, printed
        assert company.value("select max(hour_at) from raw.prometheus_samples") < at - HOUR
    piecewise = stored(company)
    company.execute("truncate raw.reads, raw.prometheus_samples, raw.prometheus_days")
    read()
    assert stored(company) == piecewise
    read("--reconcile")
    read("--from", START.isoformat(), "--to", NOW.isoformat())
    assert stored(company) == piecewise


def test_an_hour_is_read_once_it_has_settled_and_again_within_the_lookback(company, read):
    company.now = NOW.replace(minute=4)
    read(settle_minutes=5)
    assert company.value("select max(hour_at) from raw.prometheus_samples") == NOW.replace(minute=0) - 2 * HOUR
    company.execute("update raw.prometheus_samples set value = -1")
    company.now = NOW
    read(settle_minutes=5, lookback_hours=3)
    wrong = company.rows("select distinct hour_at from raw.prometheus_samples where value = -1 and stream like '%size'")
    end = NOW.replace(minute=0) - HOUR
    assert max(at for (at,) in wrong) == end - 4 * HOUR
    assert company.value("select count(*) from raw.prometheus_samples where value >= 0 and stream like '%size'") == 4


def test_what_vanished_at_the_source_vanishes_here(company, read):
    """A period is replaced whole; what is outside of it, and other streams, stay as they are."""
    read()
    before = stored(company)
    fewer = {"exact": QUERIES["exact"] | {"expr": 'http_requests_total{status="200"}'}}
    read("--from", (NOW - 2 * HOUR).isoformat(), "--to", NOW.isoformat(), queries=fewer)
    gone = [row for row in before if row not in stored(company)]
    assert {row[0] for row in gone} == {"prometheus.exact"}
    assert {row[1] for row in gone} == {'{"status": "404"}', '{"status": "429"}', '{"status": "500"}'}
    assert min(row[2] for row in gone) == NOW.replace(minute=0) - 2 * HOUR


def test_a_query_that_fails_stops_no_other_and_is_read_again(company, read):
    queries = {name: QUERIES[name] for name in ("size", "exact")}
    read(queries=queries)
    before = stored(company)
    company.now = NOW + HOUR
    broken = queries | {"exact": QUERIES["exact"] | {"expr": "http_requests_total{"}}
    code, printed = read(queries=broken)
    assert code == 78
    assert failure(printed).startswith("prometheus.exact: expr: the server answers 400: invalid parameter")
    assert [row for row in stored(company) if row[0] == "prometheus.exact"] == [
        row for row in before if row[0] == "prometheus.exact"
    ]
    open_reads = "select stream, error from raw.reads where finished_at is null and repeated_by is null"
    ((stream, error),) = company.rows(open_reads)
    assert stream == "prometheus.exact"
    assert "invalid parameter" in error
    finished = "select count(*) from raw.reads where stream = 'prometheus.size' and finished_at is not null"
    assert company.value(finished) == 2
    read(queries=queries)
    assert company.rows(open_reads) == []


def test_two_series_of_one_name_are_refused_with_the_label_that_tells_them_apart(company, read):
    query = {"metric": "t.all", "expr": "http_requests_total", "value": "increase", "labels": ["status"]}
    code, printed = read(queries={"all": query})
    assert code == 3
    assert failure(printed) == (
        'prometheus.all: labels: two series are both t.all{"status": "200"}; what tells them apart is '
        "instance ('a', 'b'): keep that in labels, or put them together: across = \"sum\""
    )
    assert stored(company) == []
    read(queries={"all": query | {"across": "sum"}})
    assert {row[1] for row in stored(company)} == {f'{{"status": "{s}"}}' for s in (200, 404, 429, 500)}


def test_too_many_series_are_refused_before_they_are_read(company, read):
    query = QUERIES["requests"] | {"max_series": 7}
    code, printed = read(queries={"all": query})
    assert code == 3
    assert failure(printed) == (
        "prometheus.all: max_series: there are 8 series, and 7 may be read: keep fewer labels, choose fewer series in "
        "expr, or raise max_series"
    )


def test_what_the_server_keeps_no_more_is_not_read_and_a_loss_is_said(company, read):
    company.now = NOW - 48 * HOUR
    read(queries={"size": QUERIES["size"]})
    company.now = NOW + 10 * 24 * HOUR
    before = stored(company)
    code, printed = read(queries={"size": QUERIES["size"]}, keeps_days=2)
    assert code == 0
    assert (
        "prometheus.size: 2026-03-29 12:00 to 2026-04-08 22:00 UTC was not read in time and is lost, since the server "
        "keeps 2 days (keeps_days)"
    ) in printed
    assert stored(company) == before
    _, printed = read(queries={"size": QUERIES["size"]}, keeps_days=2)
    assert "lost" not in printed


def test_a_server_that_can_not_answer_so_much_is_asked_for_less(company, read, blocks, tmp_path, prometheus):
    """Down to what it can: the same values. A query that is too large for an hour is named."""
    queries = {name: QUERIES[name] for name in ("requests", "exact")}
    read(queries=queries)
    whole = stored(company)
    company.execute("truncate raw.reads, raw.prometheus_samples")
    with serve(blocks, tmp_path, "--query.max-samples=6000") as small:
        code, printed = read(queries=queries, url=small.url)
        assert code == 0, printed
        assert stored(company) == whole
    (tmp_path / "tiny").mkdir()
    with serve(blocks, tmp_path / "tiny", "--query.max-samples=50") as tiny:
        code, printed = read(queries={"exact": QUERIES["exact"]}, url=tiny.url)
        assert code == 3
        assert "too many samples into memory" in failure(printed)
        assert "choose fewer series" in printed


def test_a_password_lets_us_in_and_is_never_shown(company, read, blocks, tmp_path):
    # bcrypt of "secret word"
    web = 'basic_auth_users: {reader: "$2b$04$abcdefghijklmnopqrstuuP6/q0obcGuk6SuzN66aTZwHeRCLMzKO"}\n'
    with serve(blocks, tmp_path, web=web) as server:
        queries = {"size": QUERIES["size"]}
        code, printed = read(url=server.url, queries=queries)
        assert code == 78
        assert failure(printed) == (
            "[sources.prometheus] username, token: the server answers 401: set username and password, or token, in "
            ".dlt/secrets.toml or the environment"
        )
        code, printed = read(url=server.url, queries=queries, username="reader", password="wrong word")
        assert code == 78
        assert "wrong word" not in printed
        code, printed = read(url=server.url, queries=queries, username="reader", password="secret word")
        assert code == 0, printed
        assert len(stored(company)) > 100


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
