"""A company whose every secret is a canary and whose every name is an attack, in a copy of the project."""

import contextlib
import csv
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote

import psycopg2

from demo import api
from demo.analytics import wires
from demo.analytics.property import Property
from ingest.embedded import EmbeddedServer, binaries
from tests.certificates import Authority, service_account_key
from tests.conftest import ROOT, Server, free_port, memory
from tests.tls_servers import https

NOW = dt.datetime(2026, 3, 10, 12, 5, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)
WEBSITE, EVENTS, SPIDERS = "hostile_website", "hostile_events", "hostile_spiders"
PROPERTY = "properties/123456789"
PROJECT = (
    *(".dlt", "dashboards", "dbt_project", "demo", "ingest", "models", "roles", "seeds", "tick", "tests/dbt"),
    *("dbt_project.yml", "profiles.example.yml"),
)
# What Jinja would make of an attack, and is in no text that nobody rendered.
RENDERED = "hit7t7t7"
ATTACKS = (
    "<script>hit()</script>",
    '"><img src=x onerror=hit()>',
    "</script><svg onload=hit()>",
    "' onfocus=hit() autofocus='",
    "javascript:hit()",
    "'; drop table public.canary; --",
    "'); delete from public.canary; select ('",
    "\\'; delete from public.canary; --",
    "$$; drop table public.canary; $$",
    '"; drop table public.canary; --',
    "%s %(x)s %% {0} {stage}",
    '{{ "hi" ~ "t7" * 3 }}',
    "{{ env_var('WAREHOUSE_PASSWORD') }}",
    "{% do run_query('drop table public.canary') %}",
    "{# gone #} ${metric} ${series:sqlstring}",
    "$__timeFrom() $__timeFilter(x)||(select pg_sleep(99))",
    '\\"} or vector(1) #',
    'a"}[1h]) or on() vector(1',
    "[/bold][red]brackets[link=x]",
)
# A table's and a column's name can hold each of them at once.
NAME = """ev"il'; drop table public.canary; -- {{ "hi" ~ "t7" * 3 }} %s"""
CANARY = """
    create table public.canary (number int);
    insert into public.canary values (1);
    grant all on public.canary to public;
"""
SECRETS = (
    *("warehouse", "loader", "transformer", "grafana", "public", "website", "events", "spiders", "salt", "username"),
    *("prometheus", "token", "header", "google", "notify", "wrong"),
)


# What is in passwords, in headers and, quoted, in URLs, and is to do no harm.
ODD = """ %$'"@:/?#\\[é{"""
# At each process's command line.
LOOKS = 3


def canary(secret: str) -> str:
    """Return the text that stands for a secret."""
    return f"canary{secret}q7zk"


def password(secret: str) -> str:
    """Return a canary as a password whose every letter is allowed, and each odd."""
    return canary(secret) + ODD


class Web:
    """A Prometheus whose labels are attacks, and a place that takes messages; keeps what it was sent."""

    def __init__(self):
        """Have been sent nothing."""
        self.queries: list[str] = []
        self.authorizations: set[str] = set()
        self.messages: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer({"status": "success", "data": {"version": "1.2.3"}})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                web.authorizations.add(self.headers.get("Authorization", ""))
                if "/api/v1/" not in self.path:
                    web.messages.append(body)
                    return self._answer({})
                form = dict(parse_qsl(body))
                web.queries.append(form["query"])
                is_range = self.path.endswith("query_range")
                series = [_series(attack) for attack in ATTACKS] if is_range else []
                data = {"resultType": "matrix" if is_range else "vector", "result": series}
                return self._answer({"status": "success", "data": data})

            def _answer(self, content: dict) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _series(attack: str) -> dict:
    ends = [NOW.replace(minute=0) - number * HOUR for number in range(2, -1, -1)]
    return {"metric": {"result": attack}, "values": [[end.timestamp(), "42"] for end in ends]}


class Watch:
    """What the command lines of all processes have held of the canaries since it began."""

    def __init__(self):
        """Begin."""
        self.seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        looks = Counter()
        while not self._stop.wait(0.05):
            # A process is first seen with the line of the one that made it.
            for pid in {path.name for path in Path("/proc").glob("[0-9]*") if looks[path.name] < LOOKS}:
                looks[pid] += 1
                with contextlib.suppress(OSError):
                    line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    self.seen |= {line for secret in SECRETS if canary(secret) in line}

    def end(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()


@dataclass
class Hostile:
    """The company: its server, its copy of the project, and what its commands printed."""

    server: Server
    project: Path
    web: Web
    environment: dict[str, str]
    home: Path  # of the server
    printed: list[str] = field(default_factory=list)
    command_lines: set[str] = field(default_factory=set)  # of any process, that held a secret
    tries: list[list] = field(default_factory=list)  # of broken secrets: what, what the line names, code, printed

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Run a Python module, or dbt, in the copy; returns what came of it, with output and errors in one."""
        python = Path(sys.executable)
        command = [python.with_name("dbt")] if arguments[0] == "dbt" else [python, "-m", arguments[0]]
        done = subprocess.run(
            [*command, *arguments[1:]],
            cwd=self.project,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed.append(f"$ {' '.join(arguments)}: {done.returncode}\n{done.stdout}")
        return done

    def try_malformed(self) -> None:
        """Run commands whose secrets are broken; what came of each is in `tries`."""
        script, where = ROOT / "tests" / "integration" / "malformed.py", f"{self.server.host}:{self.server.port}"
        done = subprocess.run(
            [sys.executable, script],
            input=f"{canary('wrong')} {where}",
            cwd=self.project,
            env=self.environment | {"PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        self.tries = [json.loads(line) for line in done.stdout.splitlines()]
        self.printed.append(done.stdout)

    def succeed(self, *arguments: str, **variables: str) -> None:
        """Run a module that has to succeed."""
        assert self.run(*arguments, **variables).returncode == 0, self.printed[-1]

    def fail(self, *arguments: str, **variables: str) -> None:
        """Run a module that has to fail."""
        assert self.run(*arguments, **variables).returncode != 0, self.printed[-1]

    def dump(self) -> str:
        """Return all of the warehouse as SQL."""
        identity = {"PGHOST": self.server.host, "PGPORT": str(self.server.port), "PGUSER": self.server.user}
        done = subprocess.run(
            [binaries() / "pg_dump", "warehouse"],
            env=os.environ | identity | {"PGPASSWORD": self.server.password},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def execute(self, statement: str, database: str = "warehouse", parameters=None) -> None:
        """Run a statement as the server's owner, and commit it."""
        with closing(self.server.connect(database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def rows(self, query: str, database: str = "warehouse") -> list[tuple]:
        """Return the rows of a query."""
        with closing(self.server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


@contextmanager
def hostile_company(folder: Path) -> Iterator[Hostile]:
    """Give the company, its roles made; nothing is read yet."""
    project, web = folder / "project", Web()
    for name in PROJECT:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    authority = Authority(folder, "ours")
    certificate = authority.sign("localhost")
    home = Path(tempfile.mkdtemp(prefix="bd-", dir=memory()))
    embedded = EmbeddedServer(home, "127.0.0.1", free_port(), "chief", password("warehouse"), "warehouse")
    embedded.start()
    google = api.serve(0, Property(NOW))
    try:
        with https(web.server, certificate) as web_port, https(google, certificate) as google_port:
            server = Server(embedded.host, embedded.port, embedded.user, embedded.password)
            made = Hostile(server, project, web, _environment(embedded, project, authority), home)
            _write_settings(made, authority, web_port, google_port)
            _fill_sources(made)
            made.execute(CANARY)
            yield made
    finally:
        embedded.stop()
        shutil.rmtree(home, ignore_errors=True)


def _environment(embedded: EmbeddedServer, project: Path, authority: Authority) -> dict[str, str]:
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("WAREHOUSE_", "SOURCES__", "DBT_"))
    }
    return own | {
        "WAREHOUSE_HOST": embedded.host,
        "WAREHOUSE_PORT": str(embedded.port),
        "WAREHOUSE_DATABASE": embedded.database,
        "WAREHOUSE_USER": "transformer",
        "WAREHOUSE_PASSWORD": password("transformer"),
        "GRAFANA_DB_PASSWORD": password("grafana"),
        "PUBLIC_DB_PASSWORD": password("public"),
        "WAREHOUSE_NOW": NOW.isoformat(),
        "REQUESTS_CA_BUNDLE": str(authority.certificate),
        "DBT_PROFILES_DIR": str(project),
        "DBT_USE_COLORS": "false",
        "PYTHONPATH": str(project),
    }


def _write_settings(made: Hostile, authority: Authority, web_port: int, google_port: int) -> None:
    text, where = json.dumps, f"{made.server.host}:{made.server.port}"  # a TOML string is written as JSON's
    prometheus = "\n".join(
        f"[sources.prometheus.queries.q{number}]\nmetric = {text(attack)}\n"
        'expr = "x"\nvalue = "last"\nlabels = ["result"]'
        for number, attack in enumerate(ATTACKS)
    )
    objects = "\n".join(
        f"{text(attack)} = {{ table = {text(quoted(NAME))}, created_at = {text(NAME)} }}" for attack in ATTACKS[:3]
    )
    (made.project / ".dlt" / "config.toml").write_text(f"""company = "acme"
[sources.website.objects]
{objects}
[sources.events]
table = {text(quoted(NAME))}
columns = {{ event_id = "id", type = {text(NAME)} }}
attributes = {text(list(ATTACKS))}
[sources.spiders]
columns = {{ spider = {text(NAME)} }}
stage_key = {text(ATTACKS[5])}
[sources.prometheus]
url = "https://localhost:{web_port}/x"
ca_file = {text(str(authority.certificate))}
keeps_days = 1
{prometheus}
[sources.google_analytics]
property_id = "123456789"
transport = "rest"
api_endpoint = "https://localhost:{google_port}{wires.PATH}"
start_at = "2026-03-09"
[sources.google_analytics.reports.users]
grain = "day"
metrics = {{ "website.active_users" = "activeUsers" }}
[sources.pipeline]
""")
    urls = "\n".join(
        f"[sources.{name}]\n"
        f'url = "postgresql://{name}:{quote(password(name), safe="")}@{where}/{database}"\n'
        f"user_id_salt = {text(password('salt'))}"
        for name, database in (("website", WEBSITE), ("events", EVENTS), ("spiders", SPIDERS))
    )
    (made.project / ".dlt" / "secrets.toml").write_text(f"""{urls}
[sources.prometheus]
username = "{canary("username")}"
password = {text(password("prometheus"))}
headers = {{ X-Scope = {text(password("header"))} }}
[sources.google_analytics]
credentials = {text(text(key()))}
[destination.postgres.credentials]
username = "loader"
password = {text(password("loader"))}
[notify]
urls = ["jsons://me:{quote(password("notify"), safe="")}@localhost:{web_port}/{canary("notify")}?verify=no"]
""")
    (made.project / "profiles.yml").write_text((made.project / "profiles.example.yml").read_text())
    _write_seeds(made.project / "seeds")


def _write_seeds(folder: Path) -> None:
    """Add attacks to the registry, in each of its texts, and to the annotations."""
    with (folder / "metrics.csv").open(newline="") as file:
        columns, *lines = csv.reader(file)
    for number, attack in enumerate(ATTACKS):
        line = dict(zip(columns, lines[0], strict=True)) | {
            **{"metric": attack, "label": attack, "description": attack, "unit": attack, "owner": attack},
            **{"kind": "stock", "stream": f"prometheus.q{number}", "zero_fill": "false", "is_public": "true"},
            **{"legacy_name": "", "across_labels": "sum", "fresh_minutes": "1"},
        }
        lines.append([line[column] for column in columns])
        # MetricFlow is told of no metric of such a name, but of such texts.
        lines.append([(line | {"metric": f"attack.n{number}"})[column] for column in columns])
    with (folder / "metrics.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *lines])
    with (folder / "annotations.csv").open("a", newline="") as file:
        csv.writer(file).writerows([["2026-03-09T12:00:00Z", "deploy", attack, attack] for attack in ATTACKS])


def key() -> dict[str, str]:
    """Return a key of a service account as Google makes it; a canary stands in what is secret of it."""
    return service_account_key(private_key_id=canary("google"))


def quoted(name: str) -> str:
    """Return a name as SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _fill_sources(made: Hostile) -> None:
    table = quoted(NAME)
    for name, database in (("website", WEBSITE), ("events", EVENTS), ("spiders", SPIDERS)):
        made.server.create_database(database)
        made.execute(CANARY, database)
        made.execute(f"create role {name} login password %s", database, (password(name),))
    made.execute(f"create table {table} (id int, {table} timestamptz); grant select on {table} to website", WEBSITE)
    made.execute(f"insert into {table} values (1, '2026-03-10 09:30Z')", WEBSITE)
    made.execute(
        f"create table {table} (id int, {table} text, occurred_at timestamptz, user_id int, attributes jsonb);"
        f"grant select on {table} to events",
        EVENTS,
    )
    for number, attack in enumerate(ATTACKS):
        made.execute(
            f"insert into {table} values (%s, %s, '2026-03-10 09:30Z', 7, %s)".replace(table, table.replace("%", "%%")),
            EVENTS,
            (number, attack, json.dumps({attack: attack})),
        )
    made.execute(f"create table spider (id int, {table} text)", SPIDERS)
    made.execute("create table spider_status (spider_id int, attributes jsonb, created_at timestamptz)", SPIDERS)
    made.execute("grant select on all tables in schema public to spiders", SPIDERS)
    for number, attack in enumerate(ATTACKS):
        made.execute("insert into spider values (%s, %s)", SPIDERS, (number, attack))
        workers = json.dumps([{ATTACKS[5]: attack}, {ATTACKS[5]: "active"}])
        made.execute("insert into spider_status values (%s, %s, '2026-03-10 09:45Z')", SPIDERS, (number, workers))


def connect_as(made: Hostile, user: str, password: str):
    """Return a connection of another user."""
    return psycopg2.connect(
        host=made.server.host, port=made.server.port, dbname="warehouse", user=user, password=password
    )
