"""Sources that answer nonsense: one line says so, and once they are well the facts are those of a run without fault."""

import itertools
import json
import re
from collections.abc import Callable, Collection

import pytest

from tests.conftest import EVENTS
from tests.faults.company import BUILD, measured
from tests.faults.table import IS_LONG, chance
from tests.nonsense import error, success

HOUR_SECONDS = 3600
MILLION = 1_000_000
SOME = 2


def always(*answer) -> Callable:
    return lambda path, form: answer


def matrix(point: Callable) -> Callable:
    """Return an answer with one series; `point` makes its points of an instant that was asked for."""

    def answer(path: str, form: dict[str, str]) -> tuple:
        if path == "query":
            return success([], "vector")
        grid = range(int(form["start"]), int(form["end"]) + 1, HOUR_SECONDS)
        return success([{"metric": {"status": "200"}, "values": [point(at) for at in grid]}])

    return answer


def changed(change: Callable) -> Callable:
    """Return the right answer, with a change of each series' points."""

    def answer(path: str, form: dict[str, str]) -> tuple:
        status, body = measured(path, form)
        for series in body["data"]["result"]:
            series["values"] = change(series["values"])
        return status, body

    return answer


def endless(path: str, form: dict[str, str]) -> tuple:
    return 200, itertools.chain([b'{"status": "success", "data": ['], itertools.repeat(b"0," * (1 << 19)))


def without_result(path: str, form: dict[str, str]) -> tuple:
    return 200, {"status": "success", "data": {"resultType": "vector" if path == "query" else "matrix"}}


def a_million(path: str, form: dict[str, str]) -> tuple:
    """What counts them says so; the answer itself would be 60 MB."""
    return success([{"metric": {}, "value": [form["time"], str(MILLION)]}], "vector") if path == "query" else (500, {})


HALF = json.dumps(success([{"metric": {}, "values": [[1, "1"]]}])[1])[:60]
# Answer, the exit code, and what the line says.
HTTP = {
    "a page in HTML": (always(200, "<html>log in</html>", {"Content-Type": "text/html"}), 3, "text/html and not with"),
    "half a JSON": (always(200, HALF), 3, "application/json and not with JSON"),
    "half a JSON of a whole length": (always(200, HALF, {"Content-Length": "9999"}), 3, "can't be reached"),
    "200 with an error": (always(200, error(200, "internal", "disk")[1]), 3, "the server answers 200: disk"),
    "NaN for numbers": (
        changed(lambda points: [*points[:-2], *([at, "NaN"] for at, _ in points[-2:])]),
        0,
        "NaN and Inf are not",
    ),
    "a word for a number": (matrix(lambda at: [at, "many"]), 3, "not of the form that Prometheus gives"),
    "a list for an object": (always(200, {"status": "success", "data": []}), 3, "not of the form that Prometheus"),
    "no result": (without_result, 3, "not of the form that Prometheus gives"),
    "points without a value": (matrix(lambda at: [at]), 3, "not of the form that Prometheus gives"),
    "a million series": (a_million, 3, "there are 1,000,000 series"),
    "a redirect to elsewhere": (always(302, "", {"Location": "https://login.example.com"}), 78, "sends us on to"),
    "a body without end": (endless, 3, "answers with more than 256 MB and goes on"),
    "hours that nobody asked for": (matrix(lambda at: [at - 999 * HOUR_SECONDS, "1"]), 3, "and was asked for"),
    "a clock an hour behind": (changed(lambda points: points[:-1]), 0, "done"),
}


@pytest.mark.parametrize("name", HTTP)
def test_an_http_source_that_answers_nonsense(faulty, record, name):
    answer, code, line = HTTP[name]
    faulty.begin()
    held = faulty.rows("select * from raw.prometheus_samples order by stream, labels, hour_at")
    faulty.prometheus.answer = answer
    found, printed = faulty.run("ingest", "prometheus")
    faulty.prometheus.answer = measured
    assert (found, line in printed, printed.count("\n")) == (code, True, 1), printed
    if code:
        assert faulty.rows("select * from raw.prometheus_samples order by stream, labels, hour_at") == held
    if not is_due(name, HTTP):
        return
    faulty.good_run()
    record(f"Prometheus answers: {name}", faulty.differences(), said(printed))


CLOCK = "update event set occurred_at = occurred_at + interval '1 hour' where occurred_at > '2026-03-11 01:20+00'"
AGAIN = """
    alter table event drop constraint event_pkey;
    insert into event select id, 'crawl.failed', occurred_at + interval '20 minutes', recorded_at
    from event where occurred_at > '2026-03-11 00:30+00'
"""
SQL = {
    "a column renamed": ("alter table event rename occurred_at to happened_at", 78, "has no column occurred_at"),
    "a column of another type": ("alter table event alter occurred_at type text", 78, "is a text; needed is"),
    "a column dropped": ("alter table event drop kind", 78, "has no column kind"),
    "a table dropped": ("drop table event", 78, "there is no table event"),
    "a table emptied": ("truncate event", 3, "the source answered 0 rows where the warehouse holds"),
    "NaN for numbers": (
        "alter table event alter duration_ms type numeric; update event set duration_ms = 'NaN'",
        78,
        "a value can't be read",
    ),
    "a primary key used again": (AGAIN, 0, "done"),
    "a clock an hour ahead": (CLOCK, 0, "done"),
}


@pytest.mark.parametrize("name", SQL)
def test_a_database_that_is_not_what_it_was(faulty, record, name):
    statement, code, line = SQL[name]
    faulty.begin()
    with faulty.database_as_it_is(EVENTS):
        faulty.execute(statement, database=EVENTS)
        found, printed = faulty.run("ingest", "events")
    assert (found, line in printed, printed.count("\n")) == (code, True, 1), printed
    if not is_due(name, SQL):
        return
    if not code:
        faulty.build_well(*BUILD)
    faulty.good_run()
    # What was believed for a while was shown, so it stands in the revisions.
    differences = faulty.differences(without="" if code else "revisions")
    record(f"a database has: {name}", differences, said(printed))


def is_due(name: str, names: Collection[str]) -> bool:
    """Return whether the good run is waited for: in the short form for some, since what refuses changes nothing."""
    return IS_LONG or name in chance("answers", 0).sample(sorted(names), SOME)


def said(printed: str) -> str:
    return re.sub(r"[\d.]+ s, ", "", printed)
