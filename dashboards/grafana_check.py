"""Whether a running Grafana shows the dashboards: GRAFANA_URL=http://localhost:3000 python -m dashboards.grafana_check

Asks its API: is it well, does its data source answer, are the dashboards and the alert rules there, and what does each
statement give, for a day, a month and a year. It logs in with GRAFANA_TOKEN (of a service account), else with
GRAFANA_USER and GRAFANA_PASSWORD (admin, admin).
"""

import datetime as dt
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

import requests

from dashboards import alerts
from dashboards.check import RANGES, Statement, statements
from dashboards.definitions import DASHBOARDS
from dashboards.grafana import DATASOURCE, TAG, form
from dashboards.macros import choose
from dashboards.panels import Dashboard, Panel, Variable
from ingest.errors import SetupError

SECONDS = 30


class Grafana:
    """The API of a running Grafana."""

    def __init__(self, url: str):
        """Log in as the environment says."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        token = os.environ.get("GRAFANA_TOKEN")
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        else:
            self._session.auth = (os.environ.get("GRAFANA_USER", "admin"), os.environ.get("GRAFANA_PASSWORD", "admin"))

    def get(self, path: str) -> dict | list:
        """Return the answer to a GET; raises SetupError where there is none, or no JSON."""
        return self._json("GET", path)

    def query(self, sql: str, form: str, start: dt.datetime, end: dt.datetime) -> dict:
        """Return what the data source answers to a statement: its frames, or an error."""
        query = {
            "refId": "A",
            "datasource": DATASOURCE,
            "rawSql": sql,
            "format": form,
            "rawQuery": True,
            "intervalMs": 3_600_000,
            "maxDataPoints": 1000,
        }
        times = {"from": str(int(start.timestamp() * 1000)), "to": str(int(end.timestamp() * 1000))}
        return self._json("POST", "/api/ds/query", {"queries": [query], **times})["results"]["A"]

    def _json(self, method: str, path: str, body: dict | None = None):
        try:
            answer = self._session.request(method, self._url + path, json=body, timeout=SECONDS)
            found = answer.json()
        except requests.JSONDecodeError as error:
            raise SetupError(
                f"{path} of {self._url} answers {answer.status_code} and no JSON: is it a Grafana?"
            ) from error
        except requests.RequestException as error:
            raise SetupError(f"GRAFANA_URL {self._url} does not answer: {type(error).__name__}") from error
        if answer.status_code in (401, 403):
            raise SetupError(
                f"{path} says {answer.status_code}: set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD"
            )
        # Where a query fails, Grafana answers 4xx or 5xx, and says in its results why.
        if answer.status_code >= 400 and "results" not in found:
            raise SetupError(f"{path} says {answer.status_code}: {found.get('message', 'no reason given')}")
        return found


def problems(grafana: Grafana, now: dt.datetime, dashboards: Sequence[Dashboard]) -> Iterator[str]:
    """Give what is wrong, a line each; raises SetupError where nothing can be asked."""
    health = grafana.get("/api/health")
    if health.get("database") != "ok":
        yield f"/api/health: {health}"
    source = grafana.get(f"/api/datasources/uid/{DATASOURCE['uid']}/health")
    if source.get("status") != "OK":
        yield f"data source {DATASOURCE['uid']}: {source.get('message', source)}"
        return
    there = {found["uid"] for found in grafana.get(f"/api/search?tag={TAG}")}
    for dashboard in dashboards:
        if dashboard.uid not in there:
            yield f"{dashboard.title}: it is not there; is its folder mounted?"
        for statement, choice in _asked(grafana, dashboard, now):
            for days in RANGES:
                yield from _answered(grafana, statement, choice, now - dt.timedelta(days=days), now)
    rules = alerts.rules()
    loaded = _rules(grafana)
    missing = [rule for rule in rules if rule.uid not in loaded]
    # Whoever has alerts of their own may have left all of ours out.
    if len(missing) < len(rules):
        yield from (f"alert {rule.title}: it is not there" for rule in missing)
    for rule in rules:
        yield from _answered(grafana, Statement(f"alert {rule.title}", rule, rule.sql), {}, now - rule.window, now)


def _rules(grafana: Grafana) -> set[str]:
    return {rule["uid"] for rule in grafana.get("/api/v1/provisioning/alert-rules")}


def _asked(
    grafana: Grafana, dashboard: Dashboard, now: dt.datetime
) -> Iterator[tuple[Statement, Mapping[str, Sequence[str]]]]:
    """Give each statement with the first value of the first variable, and all values of those after it."""
    choice: dict[str, tuple[str, ...]] = {}
    for at, variable in enumerate(dashboard.variables):
        values = _values(grafana, variable, choice, now)
        choice[variable.name] = values if at else values[:1]
    for statement in statements(dashboard):
        yield statement, choice


def _values(grafana: Grafana, variable: Variable, choice: Mapping[str, Sequence[str]], now: dt.datetime) -> tuple:
    answer = grafana.query(choose(variable.sql, choice), "table", now - dt.timedelta(days=1), now)
    for frame in answer.get("frames", []):
        names = [column["name"] for column in frame["schema"]["fields"]]
        if "__value" in names:
            return tuple(frame["data"]["values"][names.index("__value")])
    return ()


def _answered(
    grafana: Grafana, statement: Statement, choice: Mapping[str, Sequence[str]], start: dt.datetime, end: dt.datetime
) -> Iterator[str]:
    form_of = form(statement.asked) if isinstance(statement.asked, Panel) else "table"
    if isinstance(statement.asked, alerts.Rule):
        form_of = "time_series"
    answer = grafana.query(choose(statement.sql, choice), form_of, start, end)
    if answer.get("error"):
        yield f"{statement.where}: {answer['error']}"
        return
    types = [column.get("type") for frame in answer.get("frames", []) for column in frame["schema"]["fields"]]
    if form_of == "time_series" and types and not {"time", "number"} <= set(types):
        yield f"{statement.where}: Grafana makes no series of it, but columns of type {', '.join(map(str, types))}"


def main() -> int:
    """Ask the Grafana at GRAFANA_URL, and say what is wrong; returns the exit code."""
    url = os.environ.get("GRAFANA_URL")
    if not url:
        print("grafana-check: set GRAFANA_URL, such as http://localhost:3000", file=sys.stderr)
        return 2
    try:
        grafana = Grafana(url)
        found = list(dict.fromkeys(problems(grafana, dt.datetime.now(dt.timezone.utc), DASHBOARDS)))
        version = grafana.get("/api/health").get("version", "of an unknown version")
    except SetupError as error:
        print(f"grafana-check: {error}", file=sys.stderr)
        return 2
    for line in found:
        print(f"WRONG {line}")
    if not found:
        print(f"Grafana {version} has the {len(DASHBOARDS)} dashboards, and answers each of their statements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
