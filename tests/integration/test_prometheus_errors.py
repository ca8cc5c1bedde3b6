"""What Prometheus, or what stands in its place, may answer: one line with the setting and the cure."""

import datetime as dt
import json
import re
from contextlib import closing

import pytest

from ingest.project import ROOT
from ingest.sources.prometheus import client
from tests.conftest import free_port
from tests.nonsense import Nonsense, error, success

HOUR = dt.timedelta(hours=1)
QUERY = {"metric": "t.size", "expr": "size", "value": "last"}


@pytest.fixture
def nonsense():
    """Give the server."""
    with closing(Nonsense()) as server:
        yield server


@pytest.fixture
def read(company, nonsense, monkeypatch):
    """Give a function that reads one query, and returns the exit code and the one line without its beginning."""
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.001)

    def run(query: dict = QUERY, **settings) -> tuple[int, str]:
        start_at = (company.now - 4 * HOUR).isoformat()
        given = {"enabled": "true", "url": nonsense.url, "start_at": start_at} | settings
        given["queries"] = json.dumps({"size": query})
        for name, value in given.items():
            company.set(**{f"SOURCES__PROMETHEUS__{name.upper()}": str(value)})
        code, printed = company.ingest("prometheus")
        assert printed.count("\n") == 1, printed
        return code, re.sub(r"^prometheus +(FAILED|done): ", "", printed.strip())

    return run


LOGIN = "<html>Please log in</html>"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((200, LOGIN, {"Content-Type": "text/html; charset=utf-8"}), "answers 200 with text/html and not with JSON"),
        (
            error(422, "execution", "multiple matches"),
            "prometheus.size: expr: the server answers 422: multiple matches",
        ),
        (error(500, "internal", "disk"), "prometheus.size: expr: the server answers 500: disk"),
        (error(503, "unavailable", "starting"), "url: the server answers 503 5 times: starting"),
        (error(429, "", "slow down", **{"Retry-After": "0"}), "url: the server answers 429 5 times: slow down"),
        (error(503, "timeout", "timed out"), "expr: the server can't answer it (timed out): choose fewer series"),
        (error(422, "execution", "too many samples"), "expr: the server can't answer it (too many samples)"),
        ((200, "[]"), "answers 200 with application/json and not with JSON"),
        (success([], "vector", warnings=["store is down"]), "its answer is not whole: store is down"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_an_answer_that_is_none_is_one_line(company, read, nonsense, answer, line):
    nonsense.always(*answer)
    code, printed = read()
    assert code == 3
    assert line.format(url=nonsense.url) in printed
    assert company.value("select count(*) from raw.prometheus_samples") == 0
    assert company.value("select count(*) from raw.reads where finished_at is not null") == 0


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((302, "", {"Location": "https://login.example.com"}), "sends us on to https://login.example.com"),
        ((404, LOGIN), "there is no Prometheus API at {url}/api/v1/query (404): write what stands before /api/v1"),
        ((401, {}), "username, token: the server answers 401"),
        ((403, {}), "username, token: the server answers 403"),
        (error(400, "bad_data", "parse error"), "prometheus.size: expr: the server answers 400: parse error"),
        (error(400, "bad_data", "two\nlines, a \0"), "prometheus.size: expr: the server answers 400: two lines, a"),
        (success([], "scalar"), "expr gives a scalar, not a"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_an_answer_that_stays_until_a_setting_is_changed_is_told_apart(company, read, nonsense, answer, line):
    nonsense.always(*answer)
    code, printed = read()
    assert code == 78
    assert line.format(url=nonsense.url) in printed
    assert company.value("select count(*) from raw.reads where finished_at is not null") == 0
    nonsense.version = answer
    assert read()[0] == 78


def test_a_server_that_is_not_there_is_one_line(read):
    url = f"http://127.0.0.1:{free_port()}/demo"
    cure = "Is the server up, are host and port right?"
    assert read(url=url) == (3, f"[sources.prometheus] url: {url} can't be reached: Connection refused. {cure}")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"url": "prometheus:9090"}, 'url is not of the form "https://prometheus.example.com:9090"'),
        ({"url": "http://me:word@127.0.0.1/demo"}, "url holds a user: write username and password as settings"),
        ({"url": "http://127.0.0.1:1"}, "is no demo server, and company is still 'demo'"),
        ({"ca_file": "/nowhere"}, "[sources.prometheus] ca_file: there is no file /nowhere"),
        ({"query": {"metric": "a", "expr": "x[1h]", "value": "last"}}, "queries.size: expr is a selector"),
        ({"query": {"metric": "a", "expr": "x", "value": "reported"}}, "queries.size: expr has no [1h]"),
        ({"query": {"metric": "a", "expr": "x", "value": "rate"}}, "queries.size.value: Input should be 'increase'"),
        ({"query": {"metric": "a", "expr": "x", "value": "exact", "across": "avg"}}, "can only be summed"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_named(read, settings, line):
    code, printed = read(**settings)
    assert code == 78
    assert line in printed
    assert "word" not in printed.replace("password", "")


def test_a_label_that_looks_like_a_persons_is_refused(company, nonsense, read):
    by_user = QUERY | {"labels": ["user_email"]}
    assert read(by_user)[0] == 78
    assert "queries.size.labels: user_email looks like an e-mail address" in read(QUERY | {"labels": ["user_email"]})[1]
    series = {
        "metric": {"instance": "10.0.0.1:9090"},
        "values": [[(company.now - HOUR).timestamp() // 3600 * 3600, "1"]],
    }
    nonsense.answer = lambda path, form: success(
        [series] if path == "query_range" else [], "matrix" if path == "query_range" else "vector"
    )
    by_instance = QUERY | {"labels": ["instance"]}
    code, printed = read(by_instance)
    assert (code, "10.0.0.1" in printed) == (78, False)
    assert "prometheus.size: labels: instance holds a value that looks like an IP address" in printed
    assert company.value("select count(*) from raw.prometheus_samples") == 0
    assert read(by_instance, allow_personal='["instance"]')[0] == 0
    assert company.value("select count(*) from raw.prometheus_samples") == 1


def test_another_company_does_not_read_the_demo(company, read, configure):
    configure('company = "acme"')
    code, printed = read()
    assert code == 78
    assert "belongs to the demo company, and company is 'acme'" in printed


def test_native_histograms_are_refused(read, nonsense):
    native = {"metric": {}, "histograms": [[0, {"count": "1"}]]}
    nonsense.answer = lambda path, form: success([native] if path == "query_range" else [], _kind(path))
    assert "expr gives native histograms: write histogram_quantile()" in read()[1]


def _kind(path: str) -> str:
    return "matrix" if path == "query_range" else "vector"


def test_a_busy_server_is_asked_again(company, read, nonsense):
    turns = iter([(429, {}), (502, LOGIN), (503, LOGIN)])

    def answer(path: str, form: dict) -> tuple:
        point = {"metric": {}, "values": [[form.get("end"), "7"]]}
        return next(turns, None) or success([point] if path == "query_range" else [], _kind(path))

    nonsense.answer = answer
    code, _ = read()
    assert code == 0
    assert company.rows("select value from raw.prometheus_samples") == [(7,)]


def test_hints_of_promql_are_passed_on(read, nonsense):
    hint = "PromQL warning: mixed histograms"
    nonsense.answer = lambda path, form: success([], _kind(path), warnings=[hint])
    code, printed = read()
    assert code == 0
    assert f"; prometheus.size: {hint}" in printed


def test_where_post_is_forbidden_get_is_used(read, nonsense):
    nonsense.answer = lambda path, form: lambda method: (405, "") if method == "POST" else success([], _kind(path))
    assert read()[0] == 0
    methods = [request for request, *_ in nonsense.requests if request.endswith(("query", "query_range"))]
    assert methods[:2] == ["POST query", "GET query"]
    assert set(methods[2:]) == {"GET query_range"}


def test_a_token_and_headers_are_sent_and_never_shown(read, nonsense, tmp_path):
    (tmp_path / "token").write_text("secret-of-the-file\n")
    nonsense.always(*error(400, "bad_data", "no"))
    _, printed = read(token_file=tmp_path / "token", headers='{"X-Scope-OrgID": "acme"}')
    assert "secret" not in printed
    for _, form, headers in nonsense.requests:
        assert headers["Authorization"] == "Bearer secret-of-the-file"
        assert headers["X-Scope-OrgID"] == "acme"
        assert form.get("partial_response", "false") == "false"


@pytest.mark.parametrize(
    ("setting", "broken"),
    [
        *[("token", broken) for broken in ("CANARY\r", "CANARY\nsecond line", " CANARY", "CANARY✓")],
        *[(setting, "CANARY\r") for setting in ("token_file", "headers", "username", "password")],
    ],
)
def test_what_no_header_can_hold_is_refused_and_never_shown(company, read, tmp_path, setting, broken):
    """A settings file with Windows' line ends makes a token of another; requests would quote it in its error."""
    given = {setting: broken}
    if setting == "token_file":
        (tmp_path / "token").write_text(f"first line\n{broken}")
        given = {setting: tmp_path / "token"}
    if setting == "headers":
        given = {setting: json.dumps({"X-Scope-OrgID": broken})}
    if setting == "password":
        given["username"] = "reader"
    code, printed = read(**given)
    assert code == 78
    named = "headers.X-Scope-OrgID" if setting == "headers" else setting
    assert printed.startswith(f"[sources.prometheus] {named}: holds a line break, a space at an end")
    assert "CANARY" not in printed
    assert "CANARY" not in str(company.rows("select * from ops.runs"))


def test_an_answer_that_lost_most_rows_is_not_believed(company, read, nonsense):
    company.now += 200 * HOUR

    def full(path: str, form: dict) -> tuple:
        grid = range(int(form["start"]), int(form["end"]) + 1, 3600) if "start" in form else ()
        return success([{"metric": {}, "values": [[at, "1"] for at in grid]}] if grid else [], _kind(path))

    nonsense.answer = full
    start_at = (company.now - 150 * HOUR).isoformat()
    assert read(start_at=start_at)[0] == 0
    nonsense.answer = lambda path, form: success([], _kind(path))
    company.set(SOURCES__PROMETHEUS__START_AT=start_at)
    code, printed = company.ingest("prometheus", "--reconcile")
    assert code == 3
    assert "prometheus.size: the source answered 0 rows where the warehouse holds 150" in printed
    assert company.value("select count(*) from raw.prometheus_samples") == 150
    code, _ = company.ingest("prometheus", "--reconcile", "--accept-loss")
    assert code == 0
    assert company.value("select count(*) from raw.prometheus_samples") == 0


def test_the_readme_shows_the_requests_that_are_sent(company, nonsense, configure):
    """Those of the demo's settings, in the order of the README."""
    text = (ROOT / ".dlt" / "config.toml").read_text().replace("http://127.0.0.1:54339/demo/prometheus", nonsense.url)
    configure(text)
    company.set(SOURCES__PROMETHEUS__START_AT="2026-03-10T09:00Z")
    nonsense.answer = lambda path, form: success([], "matrix" if form["query"].endswith("h]") else _kind(path))
    company.read("prometheus")
    sent = [form for _, form, _ in nonsense.requests]
    readme = (ROOT / "ingest" / "sources" / "prometheus" / "README.md").read_text()
    blocks = re.findall(r"```text\n(.*?)```", readme, re.DOTALL)
    shown = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
    assert len(shown) == 4
    for form in shown:
        assert any(form.items() <= each.items() for each in sent), form
