"""What the README says, typed in an empty clone, with the network that an installation needs."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port
from tests.facts import WRITES

DEMO_NOW = "2026-11-02T09:05Z"
# For a clone whose events are looked at: these two take several times as long to read.
NO_HTTP_SOURCE = {"SOURCES__PROMETHEUS__ENABLED": "false", "SOURCES__GOOGLE_ANALYTICS__ENABLED": "false"}
IS_ROOT = os.geteuid() == 0
# What the shell of a new user does not have: the settings of the shell that runs the tests.
FOREIGN = ("WAREHOUSE_", "SOURCES__", "DBT_", "DLT_", "PYTHON", "VIRTUAL_ENV", "MAKE", "DEMO_NOW", "MFLAGS", "COVERAGE")


class Clone:
    """A clone of its own, with a server of its own, and a user's shell in it."""

    def __init__(self, folder: Path, user: str | None = None, venv: Path | None = None):
        """Copy what git would clone, the uncommitted too; take another clone's packages where given."""
        self.folder, self.user = folder, user
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        if venv:
            (folder / ".venv").symlink_to(venv)
        if user:
            entry = pwd.getpwnam(user)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
        self.port, self.demo_port = free_port(), free_port()

    def run(self, command: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess:
        """Type a command in a shell in the clone; returns what came of it, output and errors in one."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        demo = f"http://127.0.0.1:{self.demo_port}/demo"
        environment |= {
            "WAREHOUSE_PORT": str(self.port),
            "SOURCES__PROMETHEUS__URL": f"{demo}/prometheus",
            "SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT": f"{demo}/google_analytics",
            "COLUMNS": "100",
        } | variables
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.user,
        )

    def do(self, command: str, stdin: str = "", **variables: str) -> str:
        """Type a command that has to succeed; returns its output."""
        done = self.run(command, stdin, **variables)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def rows(self, query: str) -> list[str]:
        """Return a query's rows as psql writes them."""
        settings = "\\set QUIET on\n\\pset format unaligned\n\\pset tuples_only on\n"
        return self.do("make --silent psql", stdin=f"{settings}{query};").splitlines()


def everybodys_python() -> str:
    """Return a Python that any user may run: root's own may be below a folder that is closed to others."""
    return "/usr/bin/python3" if IS_ROOT and Path("/usr/bin/python3").exists() else sys.executable


@pytest.fixture(scope="module")
def clone():
    """Give a clone in which `make` was typed, and what it printed."""
    with tempfile.TemporaryDirectory(prefix="bd-clone-") as folder:
        Path(folder).chmod(0o755)
        made = Clone(Path(folder))
        made.printed = made.do(f"make DEMO_NOW={DEMO_NOW} PYTHON={everybodys_python()}")
        yield made
        made.run("make down")


def without_seconds(text: str) -> list[str]:
    """Return the lines of a text, without what differs from run to run."""
    return [re.sub(r"\d+\.\d s", "N s", line.rstrip()) for line in text.splitlines() if line.strip()]


def test_make_prints_what_the_readme_shows(clone):
    block = re.search(r"<!-- output of make.*?```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    shown, printed = without_seconds(block), without_seconds(clone.printed)
    assert len(shown) > 10
    missing = [line for line in shown if line not in printed]
    assert not missing, clone.printed
    # The quickest source by a second and the slowest by five; between them the machine decides.
    shown_sources, sources = ([line for line in lines if " done: " in line] for lines in (shown, printed))
    assert (shown_sources[0], shown_sources[-1]) == (sources[0], sources[-1]), clone.printed


def test_profiles_are_the_owners_alone(clone):
    profiles = clone.folder / "profiles.yml"
    assert profiles.stat().st_mode & 0o777 == 0o600
    assert "RANDOM_PASSWORD" not in profiles.read_text()
    assert clone.run("git check-ignore profiles.yml .warehouse .venv").returncode in (0, 128)


def test_make_again_writes_no_fact(clone):
    before = clone.rows(WRITES)
    assert len(before) > 10_000
    clone.do(f"make ingest build DEMO_NOW={DEMO_NOW}")
    assert clone.rows(WRITES) == before


def test_day_to_day_as_typed(clone):
    now = "2026-11-02T11:05Z"
    printed = clone.do(f". .venv/bin/activate; make ingest DEMO_NOW={now} && WAREHOUSE_NOW={now} dbt build")
    assert "ERROR=0" in printed
    last = "select max(time) from marts.mart_hourly where is_complete and metric = 'events.count'"
    assert clone.rows(last) == ["2026-11-02 10:00:00+00"]


def test_some_sources_only_and_an_old_range_again(clone):
    printed = clone.do(
        ". .venv/bin/activate; python -m ingest events --from 2026-10-01 --to 2026-10-02", WAREHOUSE_NOW=DEMO_NOW
    )
    assert re.fullmatch(r"events +done: [\d,]+ rows, \d+\.\d s, \d+ hours touched\n", printed)


def test_help_lists_every_target(clone):
    printed = clone.do("make help")
    targets = re.findall(r"^([a-z-]+):.*?##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    assert all(re.search(rf"make {target} ", printed) for target in targets)


def test_docs_are_one_page(clone):
    clone.do("make docs")
    page = (clone.folder / "target" / "static_index.html").read_text()
    assert "model.business_dashboards.mart_hourly" in page


def test_a_taken_port_is_one_line(clone):
    with (
        tempfile.TemporaryDirectory(prefix="bd-port-") as folder,
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
    ):
        Path(folder).chmod(0o755)
        other = Clone(Path(folder), venv=clone.folder / ".venv")
        port = taken.getsockname()[1]
        done = other.run("make up", WAREHOUSE_PORT=str(port))
        lines = [line for line in done.stdout.splitlines() if not line.startswith("make: ***")]
        assert done.returncode != 0
        assert len(lines) == 1
        assert f"port {port} is taken" in lines[0]
        assert "WAREHOUSE_PORT=" in lines[0]


def test_a_server_that_is_down_is_named_and_comes_back(clone):
    clone.do("make down")
    done = clone.run(". .venv/bin/activate; python -m ingest")
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "make up" in done.stdout
    clone.do("make up")


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_make_as_a_plain_user(clone):
    with tempfile.TemporaryDirectory(prefix="bd-plain-") as folder:
        plain = Clone(Path(folder), user="nobody", venv=clone.folder / ".venv")
        printed = plain.do(f"make ingest DEMO_NOW={DEMO_NOW}", HOME=folder, **NO_HTTP_SOURCE)
        assert re.search(r"^events +done: [1-9][\d,]+ rows", printed, re.MULTILINE)
        plain.do(". .venv/bin/activate; dbt seed", HOME=folder)
        assert (plain.folder / ".warehouse" / "pgdata").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        plain.do("make clean YES=1", HOME=folder)
        assert not (plain.folder / ".warehouse").exists()


def test_make_below_a_home_that_is_closed_to_others(clone):
    with tempfile.TemporaryDirectory(prefix="bd-home-") as home:
        assert Path(home).stat().st_mode & 0o777 == 0o700
        (Path(home) / "clone").mkdir()
        closed = Clone(Path(home) / "clone", venv=clone.folder / ".venv")
        printed = closed.do("make up demo", DEMO_NOW=DEMO_NOW, WAREHOUSE_NOW=DEMO_NOW)
        assert "demo_events" in printed
        closed.do("make clean YES=1")
        assert not (closed.folder / ".warehouse").exists()
