"""`make grafana-check` against a small server that speaks as Grafana's API does; and what starts a Grafana."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboards import alerts, grafana_check
from dashboards.definitions import DASHBOARDS
from dashboards.grafana import DATASOURCE
from ingest.project import ROOT

UIDS = [dashboard.uid for dashboard in DASHBOARDS]
RULES = [rule.uid for rule in alerts.rules()]


class Api(BaseHTTPRequestHandler):
    """Answers as Grafana does; `server.said` has what a test changes of it."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        answers = {
            "/api/health": {"database": "ok", "version": "12.4.11"},
            f"/api/datasources/uid/{DATASOURCE['uid']}/health": {"status": "OK", "message": "Database Connection OK"},
            "/api/search": [{"uid": uid, "type": "dash-db"} for uid in UIDS],
            "/api/v1/provisioning/alert-rules": [{"uid": uid} for uid in RULES],
        } | self.server.said
        self._answer(200 if path in answers else 404, answers.get(path, {"message": "Not found"}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        (query,) = body["queries"]
        assert query["datasource"] == DATASOURCE
        for part, error in self.server.failing.items():
            if part in query["rawSql"]:
                self._answer(400, {"results": {query["refId"]: {"status": 400, "error": error}}})
                return
        self._answer(200, {"results": {query["refId"]: {"status": 200, "frames": [self._frame(query)]}}})

    def _frame(self, query):
        if "__value" in query["rawSql"]:
            names, types, values = ["__text", "__value"], ["string", "string"], [["A", "B"], ["a", "b"]]
        elif query["format"] == "time_series":
            names, types, values = ["time", "value"], self.server.types, [[1], [2]]
        else:
            names, types, values = ["label"], ["string"], [["x"]]
        fields = [{"name": name, "type": type} for name, type in zip(names, types, strict=True)]
        return {"schema": {"fields": fields}, "data": {"values": values}}

    def _answer(self, status, body):
        if self.headers.get("Authorization") != "Bearer right":
            status, body = 401, {"message": "Unauthorized"}
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def grafana(monkeypatch):
    """Give a server, and let the environment lead to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        server.said, server.failing, server.asked, server.types = {}, {}, [], ["time", "number"]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GRAFANA_URL", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("GRAFANA_TOKEN", "right")
        yield server
        server.shutdown()


def printed(capsys) -> tuple[int, str]:
    """Run the command; returns its exit code and what it said."""
    code = grafana_check.main()
    said = capsys.readouterr()
    return code, said.out + said.err


def test_each_statement_is_asked_with_its_macros_for_a_day_a_month_and_a_year(grafana, capsys):
    code, said = printed(capsys)
    assert (code, said) == (0, "Grafana 12.4.11 has the 8 dashboards, and answers each of their statements\n")
    asked = [body["queries"][0]["rawSql"] for body in grafana.asked]
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            if not dashboard.variables:
                assert asked.count(panel.sql) >= 3
    explored = [sql for sql in asked if "marts.mart_hourly\nwhere metric = 'a' and series = any (array['a','b']" in sql]
    assert len(explored) == 3
    assert all("$__timeFilter(time)" in sql for sql in explored)
    days = {round((int(body["to"]) - int(body["from"])) / 86_400_000) for body in grafana.asked}
    assert {1, 30, 365} <= days


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"/api/search": [{"uid": uid} for uid in UIDS[1:]]}, "WRONG Overview: it is not there"),
        ({"/api/health": {"database": "failing"}}, "WRONG /api/health: {'database': 'failing'}"),
        (
            {f"/api/datasources/uid/{DATASOURCE['uid']}/health": {"status": "ERROR", "message": "pq: no password"}},
            "WRONG data source business-dashboards-warehouse: pq: no password",
        ),
        (
            {"/api/v1/provisioning/alert-rules": [{"uid": RULES[0]}]},
            "WRONG alert Hours of yesterday are missing: it is not there",
        ),
    ],
)
def test_what_is_missing_is_named(grafana, capsys, said, complaint):
    grafana.said = said
    code, lines = printed(capsys)
    assert code == 1
    assert complaint in lines


def test_no_alert_rules_at_all_are_no_mistake(grafana, capsys):
    grafana.said = {"/api/v1/provisioning/alert-rules": []}
    assert printed(capsys)[0] == 0


def test_a_statement_that_fails_is_named_once(grafana, capsys):
    grafana.failing = {"marts.mart_retention_curve": "pq: permission denied"}
    code, said = printed(capsys)
    assert code == 1
    assert said == "WRONG Retention, panel 4 (Share of users active after 0 to 12 weeks): pq: permission denied\n"


def test_series_that_grafana_does_not_make_are_named(grafana, capsys):
    grafana.types = ["string", "number"]
    assert "Grafana makes no series of it, but columns of type string, number" in printed(capsys)[1]


@pytest.mark.parametrize(
    ("variables", "said", "complaint"),
    [
        ({"GRAFANA_URL": ""}, {}, "set GRAFANA_URL, such as http://localhost:3000"),
        ({"GRAFANA_URL": "http://127.0.0.1:1"}, {}, "GRAFANA_URL http://127.0.0.1:1 does not answer: ConnectionError"),
        (
            {"GRAFANA_TOKEN": "wrong"},
            {},
            "/api/health says 401: set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD",
        ),
        ({}, {"/api/health": "<html>"}, "answers 200 and no JSON: is it a Grafana?"),
    ],
)
def test_what_can_not_be_asked_says_why(grafana, capsys, monkeypatch, variables, said, complaint):
    grafana.said = said
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    code, line = printed(capsys)
    assert code == 2
    assert line.startswith("grafana-check: ")
    assert complaint in line
    assert line.count("\n") == 1


def start(folder, **variables) -> subprocess.CompletedProcess:
    """Run the command that starts Grafana with nothing but a folder on the PATH."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WAREHOUSE", "GRAFANA"))}
    return subprocess.run(
        [sys.executable, "-m", "dashboards.start_grafana"],
        cwd=ROOT,
        env=environment | {"PATH": f"{folder}:/usr/bin:/bin"} | variables,
        capture_output=True,
        text=True,
    )


def test_without_a_grafana_it_says_what_to_do(tmp_path):
    started = start(tmp_path)
    assert started.returncode == 2
    assert started.stderr.startswith("grafana: there is no grafana here: install it")
    assert started.stderr.count("\n") == 1


def test_it_starts_the_grafana_that_is_installed_with_all_that_the_provisioning_needs(tmp_path):
    program = tmp_path / "grafana-13" / "bin" / "grafana"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$@"\nenv\n')
    program.chmod(0o755)
    profiles = tmp_path / "profiles.yml"
    profiles.write_text((ROOT / "profiles.example.yml").read_text())
    variables = {
        "DBT_PROFILES_DIR": str(tmp_path),
        "WAREHOUSE_HOST": "db.example.com",
        "WAREHOUSE_SSLMODE": "verify-full",
        "GRAFANA_DB_PASSWORD": "word",
        "GRAFANA_PORT": "3999",
    }
    assert "has no conf/defaults.ini beside it" in start(program.parent, **variables).stderr

    (tmp_path / "grafana-13" / "conf").mkdir()
    (tmp_path / "grafana-13" / "conf" / "defaults.ini").touch()
    first, command, *lines = start(program.parent, **variables).stdout.splitlines()
    assert first == "grafana: http://127.0.0.1:3999, admin with password admin at first; Ctrl-C ends it"
    assert command == f"server --homepath {tmp_path}/grafana-13"
    told = dict(line.partition("=")[::2] for line in lines)
    assert (told["GF_SERVER_HTTP_ADDR"], told["GF_SERVER_HTTP_PORT"]) == ("127.0.0.1", "3999")
    assert told["GF_PATHS_PROVISIONING"] == str(ROOT / "dashboards" / "provisioning")
    assert told["DASHBOARDS_FOLDER"] == str(ROOT / "dashboards" / "grafana")
    assert (told["WAREHOUSE_HOST"], told["WAREHOUSE_PORT"], told["WAREHOUSE_DATABASE"]) == (
        "db.example.com",
        "5432",
        "warehouse",
    )
    assert told["WAREHOUSE_SSLMODE"] == "verify-full"
    assert (told["GRAFANA_DB_USER"], told["GRAFANA_DB_PASSWORD"]) == ("grafana_reader", "word")
