"""A small company to which faults happen: each trial starts from the same warehouse and must end in the same facts.

What a run without fault makes is known: two databases are copied for each trial, `nothing` (never read, all models
there) and `before` (read and built until BEFORE); since then the sources changed once, and the clock stands at AFTER.
"""

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout
from io import StringIO
from itertools import count
from pathlib import Path
from unittest.mock import patch

from ingest.sources import all_tables
from tests.conftest import EVENTS, SPIDERS, WAREHOUSE, WEBSITE, Company, Server, manifest
from tests.facts import STATE
from tests.faults.victims import Victim
from tests.nonsense import Nonsense, success
from tick.dbt_runner import invoke

HOUR = dt.timedelta(hours=1)
BEFORE = dt.datetime(2026, 3, 10, 12, 5, tzinfo=dt.timezone.utc)
# In the next business day: late rows and deletes are looked for.
AFTER = BEFORE + 14 * HOUR
START = BEFORE - 30 * HOUR
STARTS = ("nothing", "before")
BUILD = ("build", "--exclude-resource-type", "unit_test", "--select", "core,config.materialized:incremental")
QUERIES = {
    "database_size": {"metric": "database.size", "expr": "database_size_bytes", "value": "last", "across": "sum"},
    "http_requests": {
        "metric": "http.requests",
        "expr": "http_requests_total",
        "value": "increase",
        "labels": ["status"],
        "across": "sum",
    },
}
REVISIONS = "select series_id, grain, period_at, old_value, new_value, reason from core.fct_metric_revision"
RAW = {
    f"raw.{table.name}": f"select {', '.join(f'{column}::text' for column in table.columns)} from {table.full_name}"
    for table in all_tables()
    if table.schema == "raw"
}
EVERYTHING = STATE | {"revisions": REVISIONS} | RAW


class Environment(dict):
    """Variables for victims, and not for this process, where tests of other files run too."""

    setenv = dict.__setitem__


class FaultyCompany(Company):
    """The company, its sources changed once, and what its warehouse has to hold; `spans` tells how long phases take."""

    def __init__(self, server: Server, profiles: Path, prometheus: Nonsense, folder: Path):
        """Live until BEFORE, be read and built, change; then reckon what is expected from both starts."""
        self.environment = Environment()
        super().__init__(server, self.environment, None, profiles)
        self.folder, self.prometheus, self._numbers = folder, prometheus, count()
        self.add_spiders()
        prometheus.answer = measured
        self.set(
            SOURCES__PROMETHEUS__ENABLED="true",
            SOURCES__PROMETHEUS__URL=prometheus.url,
            SOURCES__PROMETHEUS__START_AT=START.isoformat(),
            SOURCES__PROMETHEUS__QUERIES=json.dumps(QUERIES),
        )
        self.now = BEFORE
        spend(self, START, BEFORE)
        self.well("ingest", "pipeline")  # off: it makes the tables and reads nothing
        first_build = self.well("tick", "build", WAREHOUSE_NOW=AFTER.isoformat())
        self._copy(WAREHOUSE, _kept("nothing"))
        self.spans = [*self.well("ingest").spans(), *first_build.spans()]
        self.well("tick", "build", WAREHOUSE_NOW=AFTER.isoformat())
        self._copy(WAREHOUSE, _kept("before"))
        change(self)
        self.expected = {}
        for start in STARTS:
            self.begin(start)
            self.good_run()
            self.expected[start] = self.state()

    def begin(self, start: str = "before") -> None:
        """Put the warehouse back to where a trial starts, at AFTER."""
        self.now = AFTER
        self._copy(_kept(start), WAREHOUSE)

    def victim(self, command: str, *arguments: str, **variables: str) -> Victim:
        """Start a command in a process that may be killed."""
        output = self.folder / f"{next(self._numbers)}.txt"
        return Victim.start(output, dict(os.environ) | self.environment | variables, command, *arguments)

    def run(self, command: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a command to its end; returns its exit code and what it printed."""
        return self.victim(command, *arguments, **variables).end()

    def well(self, command: str, *arguments: str, **variables: str) -> Victim:
        """Run a command that has to succeed."""
        victim = self.victim(command, *arguments, **variables)
        code, printed = victim.end()
        assert code == 0, printed
        return victim

    def good_run(self, *build: str) -> None:
        """Read all sources and build what was told, the facts if nothing was, without fault."""
        self.well("ingest")
        self.build_well(*(build or BUILD))

    def build_well(self, *build: str) -> None:
        """Build in this process, which has parsed the project once: that is half of dbt's time."""
        with patch.dict(os.environ, self.environment), redirect_stdout(StringIO()) as printed:
            result = invoke(*build, manifest=manifest())
        assert result.success, printed.getvalue()

    def state(self) -> dict[str, Counter]:
        """Return the rows of facts, marts, revisions and raw tables, and how often each is there."""
        with closing(self.server.connect(WAREHOUSE)) as connection, connection.cursor() as cursor:
            found = {}
            for name, query in EVERYTHING.items():
                cursor.execute(query)
                found[name] = Counter(map(repr, cursor.fetchall()))
            return found

    def differences(self, start: str = "before", without: str = "") -> tuple[int, int]:
        """Return how many rows are lost, and how many are there that should not be (doubled, or another value).

        All is compared but for what `without` names.
        """
        found, expected = self.state(), self.expected[start]
        names = [name for name in expected if name != without]
        lost = {name: expected[name] - found[name] for name in names}
        doubled = {name: found[name] - expected[name] for name in names}
        print("lost:", {name: rows for name, rows in lost.items() if rows})
        print("doubled:", {name: rows for name, rows in doubled.items() if rows})
        return sum(map(Counter.total, lost.values())), sum(map(Counter.total, doubled.values()))

    @contextmanager
    def database_as_it_is(self, name: str) -> Iterator[None]:
        """Put a source's database back, when the block ends, to what it was before."""
        self._copy(name, f"{name}_whole")
        try:
            yield
        finally:
            self._copy(f"{name}_whole", name)

    def _copy(self, database: str, into: str) -> None:
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f'drop database if exists "{into}" with (force)')
            cursor.execute(f'create database "{into}" template "{database}" strategy file_copy')


def _kept(start: str) -> str:
    return f"{WAREHOUSE}_{start}"


def measured(path: str, form: dict[str, str]) -> tuple:
    """Answer as a healthy Prometheus does: a number made of the hour, for each status where it is asked by status."""
    if path == "query":
        return success([], "vector")
    grid = range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))
    statuses = ("200", "500") if "status" in form["query"] else ("",)
    return success(
        [
            {
                "metric": {"status": status} if status else {},
                "values": [[at, str(at // 3600 % 89 + 60 + number)] for at in grid],
            }
            for number, status in enumerate(statuses)
        ]
    )


def spend(company: Company, since: dt.datetime, until: dt.datetime) -> None:
    """Two events, a user and two reports of a spider in each half hour; an event of a minute ago arrives late."""
    halves = "generate_series(%s, %s - interval '1 minute', interval '30 minutes') at"
    number = "extract(epoch from at)::bigint / 1800"
    events = f"""
        insert into event (id, kind, occurred_at, recorded_at, user_id, duration_ms, attributes)
        select {number} * 10 + n, (array['login', 'crawl.failed'])[n], at, at + interval '5 minutes',
            {number} %% 7, {number} %% 1000, '{{"plan": "pro"}}'
        from {halves}, generate_series(1, 2) n
    """
    company.execute(events, (since, until), EVENTS)
    for table in ("user", "userprofile"):
        users = f"insert into apercite_account_{table} (id, created_at) select {number}, at from {halves}"
        company.execute(users, (since, until), WEBSITE)
    reports = f"""
        insert into spider values (1, 'arachne'), (2, 'shelob') on conflict do nothing;
        insert into spider_status
        select spider, '[{{"stage": "crawl"}}, {{}}]', at from {halves}, generate_series(1, 2) spider
    """
    company.execute(reports, (since, until), SPIDERS)


def change(company: Company) -> None:
    """Time passes until AFTER; rows vanish, move, change and come late."""
    spend(company, BEFORE, AFTER)
    first = "select min(id) from event"
    events = f"""
        delete from event where id = ({first});
        delete from event where occurred_at between %(at)s - interval '2 hours' and %(at)s - interval '1 hour';
        update event set occurred_at = occurred_at + interval '3 hours' where id = ({first});
        update event set kind = 'login' where occurred_at > %(at)s - interval '1 hour' and kind = 'crawl.failed';
        insert into event (id, kind, occurred_at, recorded_at) values (1, 'crawl.failed', %(late)s, %(at)s)
    """
    company.execute(events, {"at": BEFORE, "late": BEFORE - 9 * HOUR}, EVENTS)
    users = "apercite_account_user"
    company.execute(f"delete from {users} where id = (select min(id) from {users})", database=WEBSITE)
