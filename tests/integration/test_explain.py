"""make explain: one number back to its rows."""

import datetime as dt
import json

import pytest

from dashboards import explain
from tests.conftest import EVENTS
from tests.integration.measured import add_workers

HOUR = "2026-03-10T10:00"  # of business time: 9:00 UTC


@pytest.fixture
def told(company, capfd):
    """Give a function that explains, and returns the exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        code = explain.main(list(arguments))
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return run


def test_before_the_first_build_it_says_what_to_do(told):
    assert told("events.count", HOUR) == (2, "explain: there is no ops.explain(): run `dbt build`, which makes it\n")


def test_a_number_is_followed_back_to_its_rows(company, told):
    restate(company)
    code, text = told("events.count", HOUR)
    assert code == 0, text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "events.count, hour 2026-03-10 10:00 (Europe/Paris)"
    assert any(line.startswith("events.count{type=login} 2 ") for line in lines)
    assert any(line.endswith("events.count{type=login}: 3 -> 2 (restated)") for line in lines)
    assert any("events.events: 1 of 1 hours whole, last at 2026-03-10 13:05" in line for line in lines)

    found = json.loads(told("events.count", HOUR, "--json")[1])
    assert [(read["row_count"], read["is_built"]) for read in found["reads"]] == [(4, True), (5, True)]
    assert [line["value"] for line in found["series"]] == [1, 1, 2]
    (query,) = found["raw_rows"]
    assert len(company.rows(query)) == 4

    assert 'events.count{"type": "crawl.failed"} 1.00 / events.count' in told("events.crawl_failure_ratio", HOUR)[1]
    day = explain.explanation("events.crawl_failure_ratio", *explain.instant("2026-03-10"))
    assert (day["grain"], day["sides"]) == ("day", {"numerator": 1, "denominator": 2})
    assert [line["value"] for line in day["series"]] == [0.5]

    unknown = "explain: there is no metric 'events.counts'; did you mean events.count?\n"
    assert told("events.counts", HOUR) == (1, unknown)
    assert "write 2026-11-02 for a day" in told("events.count", "yesterday")[1]
    each_metric_lists_its_raw_rows(company)
    a_read_after_its_hour_was_closed_says_so(company, told)
    its_anomaly_is_shown(company, told)


def restate(company) -> None:
    """Build an hour of three logins and two crawls, and again after a login was deleted at the source."""
    nine = dt.datetime(2026, 3, 10, 9, tzinfo=dt.timezone.utc)
    kinds = ("login", "login", "login", "crawl.failed", "crawl.finished")
    company.add_events(*((id_, kind, nine + dt.timedelta(minutes=id_)) for id_, kind in enumerate(kinds)))
    company.read()
    company.build()
    company.execute("delete from event where id = 2", database=EVENTS)
    company.read("events", "--from", "2026-03-10T09:00Z", "--to", "2026-03-10T10:00Z")
    company.build()


def each_metric_lists_its_raw_rows(company) -> None:
    explained = """
        select metric, grain, ops.explain(metric, %s, grain) -> 'raw_rows'
        from core.dim_metric
        cross join (values ('hour'), ('day')) as grains (grain)
    """
    for metric, grain, queries in company.rows(explained, (company.now,)):
        assert queries, f"{metric} by {grain} has no raw rows"
        for query in queries:
            assert query, f"{metric}: the macro raw_rows does not know its stream"
            company.rows(query)


def a_read_after_its_hour_was_closed_says_so(company, told) -> None:
    company.execute(
        "insert into ops.closed (stream, until, last_read_id) "
        "select 'events.events', now(), min(read_id) from raw.reads where stream = 'events.events'"
    )
    lines = [" ".join(line.split()) for line in told("events.count", HOUR)[1].splitlines()]
    assert [line.split(" ", 8)[-1] for line in lines if " events.events " in line] == [
        "4 no: its hour was closed before (make prune)",
        "5 yes",
    ]
    company.execute("update ops.closed set until = %s", (company.now,))
    assert "dropped by `make prune`: its hours before 2026-03-10 13:05 are closed" in told("events.count", HOUR)[1]
    company.execute("delete from ops.closed")


def its_anomaly_is_shown(company, told) -> None:
    """Six weeks of 6 workers an hour, but for 60 in the last one; the hours of events are too few to judge."""
    add_workers(company, "2026-01-27T00:00Z", "2026-03-10T08:00Z", 6)
    add_workers(company, "2026-03-10T09:00Z", "2026-03-10T09:00Z", 60)
    shown = told("spiders.active.mean", HOUR)[1]
    assert (
        "  spiders.active.mean{spider=ant}: ANOMALY: high: 60 where about 6, at least 5.40 and at most 6.60\n" in shown
    )
    assert "{spider=ant}: as expected: 6 where about 6," in told("spiders.active.mean", "2026-03-10T09:00")[1]
    for to_come in ("2026-03-10T14:00", "2027-03-10T10:00"):
        assert "No value: this hour is yet to come." in told("spiders.active.mean", to_come)[1]
    assert "No value: its source reports it by day, and may have no hours" in told("website.active_users", HOUR)[1]
    assert (
        "  not judged: it is not complete, has too little history or is a duration\n" in told("events.count", HOUR)[1]
    )
