"""A backup is all of the warehouse: what is put back is what it was, and the next tick goes on from there."""

import datetime as dt

import pytest

from ingest.backup import main
from tests.conftest import WAREHOUSE
from tests.facts import state, writes


@pytest.fixture
def run(capfd):
    """Give a function that backs up or restores, and returns the exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        code = main(list(arguments))
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return run


def test_what_was_destroyed_is_put_back_and_goes_on(company, run, tmp_path):
    company.add_events(*((id_, "login", company.now - id_ * dt.timedelta(minutes=40)) for id_ in range(1, 60)))
    company.read()
    company.build_facts("mart_hourly", "mart_daily")
    company.execute("insert into ops.built_project (fingerprint) values ('of views that have their grants')")
    found = state(company)
    file = tmp_path / "kept" / "warehouse.dump"
    code, printed = run(str(file))
    assert (code, printed.startswith("backup: ")) == (0, True), printed
    assert (file.stat().st_mode & 0o777, [path.name for path in file.parent.iterdir()]) == (0o600, ["warehouse.dump"])
    code, printed = run("--restore", str(file))
    assert code == 2
    assert "a dump goes into an empty one" in printed

    company.server.create_database(WAREHOUSE)
    half = tmp_path / "half.dump"
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    code, printed = run("--restore", str(half))
    assert (code, len(printed.splitlines())) == (2, 1), printed
    assert company.value("select count(*) from pg_namespace where nspname = 'core'") == 0

    company.execute("create schema core")
    code, printed = run("--restore", str(file))
    assert (code, printed) == (2, 'backup: ERROR:  schema "core" already exists; nothing was changed\n')
    company.execute("drop schema core")
    code, printed = run("--restore", str(file))
    assert (code, printed.startswith("restore: ")) == (0, True), printed
    assert state(company) == found
    assert not company.rows("select * from ops.built_project"), "a tick would build no view, which gives their grants"

    written = writes(company)
    company.read()
    company.build_facts("mart_hourly", "mart_daily")
    assert (state(company), writes(company)) == (found, written)
    company.now += dt.timedelta(hours=1)
    company.add_events((900, "login", company.now - dt.timedelta(minutes=10)))
    company.read()
    company.build_facts("mart_hourly", "mart_daily")
    assert company.value("select sum(value) from core.fct_metric_hourly where metric = 'events.count'") == 60


def test_what_can_not_be_is_one_line(company, run, tmp_path):
    (tmp_path / "text.dump").write_text("no dump")
    for arguments, line in (
        (("--restore",), "backup: which file? make restore FILE=backups/...; there are: "),
        (("--restore", str(tmp_path / "none")), "backup: there is no file "),
        (("--restore", str(tmp_path / "text.dump")), "backup: pg_restore: error: "),
        (("/proc/no/where.dump",), "backup: [Errno 2] "),
    ):
        code, printed = run(*arguments)
        assert (code, len(printed.splitlines())) == (2, 1), printed
        assert printed.startswith(line)
    company.set(WAREHOUSE_PORT="1")
    assert run(str(tmp_path / "a.dump"))[1].startswith("backup: pg_dump: error: connection to server ")
    assert not (tmp_path / "a.dump").exists()


@pytest.fixture
def reader(company):
    """Give a role that may log in, and read nothing; the server may be the user's own."""
    name = f"{WAREHOUSE}_reader"
    company.execute(f"create role {name} login password 'word'")
    yield name
    company.execute(f"drop role {name}")


def test_who_may_not_read_all_is_told_whose_task_it_is(company, run, reader, tmp_path):
    company.read()
    company.set(WAREHOUSE_USER=reader, WAREHOUSE_PASSWORD="word")
    code, printed = run(str(tmp_path / "a.dump"))
    assert (code, len(printed.splitlines())) == (2, 1), printed
    assert "permission denied" in printed
    assert "an administrator's task (WAREHOUSE_USER); nothing was changed" in printed
