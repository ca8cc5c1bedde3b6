"""A run as a whole: exit codes, ops.runs, and whose warehouse it is."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable

import pytest
from dlt.destinations.exceptions import DatabaseTransientException
from dlt.destinations.impl.postgres.postgres import PostgresCsvCopyJob
from psycopg2 import OperationalError

from ingest import hours
from ingest.sources import SOURCES
from tests.conftest import EVENTS, ROOT, WAREHOUSE, WEBSITE

HOUR = dt.timedelta(hours=1)
EVENTS_TOML = f"""
[sources.events]
url = "postgresql:///{EVENTS}"
table = "event"
columns = {{event_id = "id", type = "kind"}}
"""
WEBSITE_TOML = f"""
[sources.website]
url = "postgresql:///{WEBSITE}"
[sources.website.objects]
users = "apercite_account_user"
"""


def runs(company) -> list[tuple]:
    """Return how runs ended, in order, but for those of the sources that are off throughout."""
    return company.rows(
        "select source, outcome, finished_at is not null from ops.runs "
        "where source in ('website', 'events') order by run_id"
    )


def lines(printed: str) -> dict[str, str]:
    """Return source -> what was printed of it."""
    return {line[:18].strip(): line[19:] for line in printed.splitlines()}


def test_a_source_that_fails_stops_no_other(company):
    company.add_events((1, "login", company.now - HOUR))
    code, printed = company.ingest()
    assert code == 0
    assert lines(printed).keys() == set(SOURCES)
    assert lines(printed)["events"].startswith("done: 1 rows, ")
    assert lines(printed)["events"].endswith(" s, 2 hours touched")

    company.now += HOUR
    company.set(SOURCES__EVENTS__TABLE="gone")
    code, printed = company.ingest()
    assert code == 1
    assert lines(printed)["website"].startswith("done: ")
    assert lines(printed)["events"].startswith("FAILED: [sources.events] table: ")
    assert company.value("select count(*) from raw.website_object_counts where counted_at = %s", (company.now,)) == 3

    company.now += HOUR
    company.set(SOURCES__WEBSITE__URL="postgresql:///demo_gone")
    assert company.ingest()[0] == 78
    assert company.ingest("website")[0] == 78
    company.set(SOURCES__EVENTS__TABLE="event")
    assert company.ingest("events", "events")[0] == 0

    company.set(SOURCES__WEBSITE__ENABLED="false")
    code, printed = company.ingest()
    assert code == 0
    assert lines(printed)["website"] == "off: not configured, or enabled = false"
    company.set(SOURCES__EVENTS__TABLE="gone")
    assert company.ingest()[0] == 78

    found = runs(company)
    assert sorted(found[:2]) == [("events", "ok", True), ("website", "ok", True)]
    assert sorted(found[2:4]) == [("events", "failed", True), ("website", "ok", True)]
    assert sorted(found[4:6]) == [("events", "failed", True), ("website", "failed", True)]
    assert found[6:8] == [("website", "failed", True), ("events", "ok", True)]
    assert sorted(found[8:10]) == [("events", "ok", True), ("website", "off", True)]
    assert sorted(found[10:]) == [("events", "failed", True), ("website", "off", True)]
    message = company.value("select message from ops.runs where source = 'events' and outcome = 'failed' limit 1")
    assert message.startswith("[sources.events] table: there is no table gone")


def test_a_failure_that_may_pass_is_no_hopeless_one(company):
    company.set(SOURCES__EVENTS__TABLE="gone", SOURCES__WEBSITE__URL="postgresql://reader@127.0.0.1:1/demo_nowhere")
    assert company.ingest("events")[0] == 78
    assert company.ingest("website")[0] == 3
    assert company.ingest()[0] == 3


def test_sources_that_load_for_the_first_time_at_once_do_not_disturb_each_other(company):
    company.add_events((1, "login", company.now - HOUR))
    for _ in range(5):
        assert company.ingest()[0] == 0
        company.now += HOUR
        # As before the first load: dlt's own tables are made by the load that comes first.
        company.execute("drop table raw._dlt_version, raw._dlt_loads; drop schema raw_staging cascade")


@pytest.mark.parametrize("is_first", [True, False], ids=["a first load", "a replacement"])
def test_a_commit_whose_answer_is_lost_doubles_no_row(company, monkeypatch, is_first):
    """The rows are there and nobody was told: dlt, which would load them once more, does not."""
    events = [(number, "login", company.now - dt.timedelta(hours=number)) for number in range(1, 30)]
    company.add_events(*events)
    if not is_first:
        company.read("events")
    with monkeypatch.context() as patch:
        patch.setattr(PostgresCsvCopyJob, "run", committed_in_silence(PostgresCsvCopyJob.run))
        code, printed = company.ingest("events", "--reconcile")
    assert code == 3, printed
    assert "the warehouse refused the rows: server closed the connection unexpectedly" in printed
    company.read("events")
    assert company.rows("select event_id, count(*) from raw.events_events group by event_id having count(*) > 1") == []
    assert company.value("select count(*) from raw.events_events") == len(events)


def committed_in_silence(run: Callable) -> Callable:
    """Return the job's run, whose first commit is not answered."""
    lost = []

    def run_and_lose(job) -> None:
        run(job)
        if not lost:
            lost.append(job)
            raise DatabaseTransientException(OperationalError("server closed the connection unexpectedly"))

    return run_and_lose


def test_where_nothing_can_be_tried_nothing_is(company, monkeypatch):
    tried = [
        (["event"], f"ingest: there is no source 'event'; there are: {', '.join(SOURCES)}\n"),
        (["--from", "soon", "--to", "2026-03-10"], "ingest: --from: 'soon' is no instant; write one such as "),
        (["--from", "2026-03-10", "--to", "2026-03-09"], "ingest: --from is not before --to\n"),
    ]
    for arguments, message in tried:
        code, printed = company.ingest(*arguments)
        assert (code, printed[: len(message)]) == (2, message)
    monkeypatch.setenv("WAREHOUSE_NOW", "noon")
    assert company.ingest() == (2, "ingest: WAREHOUSE_NOW: 'noon' is no instant; write one such as 2026-11-01T00:00Z\n")
    monkeypatch.setenv("WAREHOUSE_NOW", "")
    company.set(WAREHOUSE_DATABASE="no_such_database")
    code, printed = company.ingest()
    assert code == 2
    assert printed.startswith("ingest: the warehouse does not let us in: ")
    assert len(printed.splitlines()) == 1
    company.set(WAREHOUSE_DATABASE=WAREHOUSE)
    assert company.value("select to_regclass('ops.runs')") is None
    with pytest.raises(SystemExit) as stopped:
        company.ingest("--from", "2026-03-10")
    assert stopped.value.code == 2


def test_a_warehouse_that_may_not_be_written_is_refused_in_one_line(company):
    company.execute("drop role if exists test_reader; create role test_reader login password 'secret'")
    company.set(WAREHOUSE_USER="test_reader", WAREHOUSE_PASSWORD="secret")
    code, printed = company.ingest()
    assert code == 2
    assert printed.startswith("ingest: the warehouse role may not make its tables (")
    assert "grant it create on the database" in printed
    # As on a standby.
    company.set(WAREHOUSE_USER=company.server.user, WAREHOUSE_PASSWORD=company.server.password)
    company.execute(f"alter database {WAREHOUSE} set default_transaction_read_only = on")
    code, printed = company.ingest()
    assert code == 2
    assert printed.startswith(
        "ingest: the warehouse refused: cannot execute CREATE SCHEMA in a read-only transaction; "
    )
    assert len(printed.splitlines()) == 1
    company.execute(f"set transaction read write; alter database {WAREHOUSE} reset default_transaction_read_only")
    # The tables are there, but not its own.
    company.set(WAREHOUSE_USER=company.server.user, WAREHOUSE_PASSWORD=company.server.password)
    assert company.ingest()[0] == 0
    company.set(WAREHOUSE_USER="test_reader", WAREHOUSE_PASSWORD="secret")
    code, printed = company.ingest()
    assert code == 2
    assert len(printed.splitlines()) == 1


def test_a_warehouse_belongs_to_one_company(company, configure):
    company.ingest()
    before = company.rows("select * from ops.runs"), company.rows("select * from raw.reads")
    configure(f'company = "acme"\n{EVENTS_TOML}')
    code, printed = company.ingest()
    assert code == 2
    assert printed.startswith("ingest: this warehouse holds the numbers of company 'demo', and .dlt/config.toml says ")
    assert "WAREHOUSE_DATABASE" in printed
    assert (company.rows("select * from ops.runs"), company.rows("select * from raw.reads")) == before
    configure(EVENTS_TOML)
    assert company.ingest() == (
        2,
        'ingest: .dlt/config.toml: company is not set; write company = "your-company" at the top\n',
    )


def test_the_demo_is_read_for_the_demo_company_only(company, configure):
    company.server.create_database("test_acme")
    configure('company = "acme"' + EVENTS_TOML + WEBSITE_TOML)
    code, printed = company.ingest()
    assert code == 78
    for source, database in (("events", EVENTS), ("website", WEBSITE)):
        assert lines(printed)[source] == (
            f"FAILED: [sources.{source}] url: {database} belongs to the demo company, and company is 'acme'; "
            "write the URL of your own database, or enabled = false"
        )
    company.execute("delete from ops.company")
    configure('company = "demo"' + EVENTS_TOML.replace(EVENTS, "test_acme"))
    code, printed = company.ingest("events")
    assert code == 78
    assert lines(printed)["events"] == (
        "FAILED: [sources.events] url: test_acme is no demo database, and company is still 'demo'; "
        "write your company's name at the top of .dlt/config.toml"
    )
    assert company.value("select count(*) from raw.reads") == 0


def test_a_source_that_is_not_configured_is_off(company, configure):
    configure('company = "demo"' + WEBSITE_TOML)
    code, printed = company.ingest()
    assert code == 0
    assert lines(printed)["events"] == "off: not configured, or enabled = false"
    assert lines(printed)["website"].startswith("done: ")
    assert company.value("select count(*) from raw.events_events") == 0  # the table is there all the same
    configure('company = "demo"')
    assert company.ingest()[0] == 0
    configure('company = "demo"' + EVENTS_TOML + "enabled = false\n" + WEBSITE_TOML)
    assert lines(company.ingest()[1])["events"].startswith("off: ")
    configure('company = "demo"' + EVENTS_TOML + 'enabled = "no"')
    assert lines(company.ingest()[1])["events"].startswith("off: ")
    assert company.rows("select distinct source from raw.reads") == [("website",)]


def test_a_url_in_the_secrets_leaves_the_settings_in_the_config(company, configure):
    """As the README has it: tables and columns in config.toml, the URL with its password in secrets.toml."""
    url, settings = EVENTS_TOML.strip().splitlines()[1], EVENTS_TOML.replace("url =", "# url =")
    configure('company = "demo"\n' + settings, secrets=f"[sources.events]\n{url}\n")
    code, printed = company.ingest()
    assert code == 0, printed
    assert lines(printed)["events"].startswith("done: ")


def test_a_range_that_is_yet_to_come_is_refused(company):
    code, printed = company.ingest("--from", "2027-11-01", "--to", "2027-11-02")
    assert code == 2
    assert printed == "ingest: --from 2027-11-01 00:00 UTC is yet to come: nothing can be read of it\n"


def test_a_misspelt_source_is_not_taken_for_one_that_is_off(company, configure):
    configure('company = "demo"' + EVENTS_TOML.replace("[sources.events]", "[sources.event]"))
    code, printed = company.ingest()
    assert code == 2
    assert printed == "ingest: [sources.event]: there is no such source; did you mean [sources.events]?\n"


def test_settings_that_are_no_toml_are_refused_in_one_line(company, configure):
    """In a process of its own, since dlt reads the file while it is imported."""
    folder = configure('company = "demo"')
    (folder / ".dlt" / "config.toml").write_text('company = "demo\n')
    run = subprocess.run([sys.executable, "-m", "ingest"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stdout + run.stderr
    assert "config.toml" in run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.fixture
def set_zone(monkeypatch):
    """Give a function that makes a zone the business time zone of this test."""

    def forget() -> None:
        hours.business_timezone.cache_clear()
        hours.origin.cache_clear()

    def set_to(name: str) -> None:
        monkeypatch.setattr(hours, "dbt_vars", lambda: {"business_timezone": name})
        forget()

    yield set_to
    monkeypatch.undo()
    forget()


def test_a_zone_whose_hours_move_is_refused(company, set_zone):
    set_zone("Australia/Lord_Howe")
    code, printed = company.ingest()
    assert code == 2
    assert printed.startswith("ingest: dbt_project.yml: business_timezone Australia/Lord_Howe changes its minutes")
    assert company.value("select to_regclass('raw.reads')") is None
    # Until May 2016 Caracas was at half past: only a history that long has hours that can't be told apart.
    set_zone("America/Caracas")
    company.add_events((1, "login", "2016-06-01"))
    assert company.ingest("events")[0] == 0
    company.set(SOURCES__EVENTS__START_AT="2016-04-01")
    code, printed = company.ingest("events")
    assert code == 3
    assert lines(printed)["events"].startswith("FAILED: dbt_project.yml: business_timezone America/Caracas changes")
    assert printed.endswith("choose another zone, or a later start_at\n")


def test_a_zone_of_other_hours_than_the_warehouse_is_refused(company, set_zone):
    company.add_events((1, "login", company.now - HOUR))
    company.ingest()
    set_zone("Asia/Kolkata")
    code, printed = company.ingest()
    assert code == 2
    assert printed.startswith("ingest: dbt_project.yml: business_timezone Asia/Kolkata starts its hours at :30")
    assert "WAREHOUSE_DATABASE" in printed


def test_the_warehouse_compiles_no_plans(company):
    """A server of the user's own mostly does, and then a tick takes minutes."""
    assert company.value("show jit") == "on"
    company.read()
    assert company.value("show jit") == "off"


def test_postgresql_knows_how_large_a_table_is_that_was_filled(company):
    """What it guesses of a table that it never looked at makes the first build three times as long."""
    known = "select reltuples::bigint from pg_class where oid = 'raw.events_events'::regclass"
    company.add_events(*((id_, "login", company.now - dt.timedelta(minutes=id_)) for id_ in range(1, 50)))
    company.read()
    assert company.value(known) == 49
    company.add_events(*((id_, "login", company.now - dt.timedelta(minutes=1)) for id_ in range(50, 150)))
    company.read()
    assert company.value(known) == 149
