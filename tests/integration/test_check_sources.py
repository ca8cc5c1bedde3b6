"""What `make check-sources` finds: all sources in one table, each fault with its cure, and nothing written."""

import json

import pytest

from ingest.check import main
from tests.conftest import EVENTS, SPIDERS, WAREHOUSE, WEBSITE


@pytest.fixture
def check(company):
    """Give a function that checks the sources; returns the exit code and source -> what was found, in one line each."""
    company.add_spiders()

    def run() -> tuple[int, dict[tuple[str, str], str]]:
        company.capfd.readouterr()
        code = main()
        printed = company.capfd.readouterr()
        assert not printed.err
        head, *lines = printed.out.splitlines()
        columns = [head.index(name) for name in ("source", "what", "found")]
        found, key = {}, None
        for line in lines:
            source, what, text = (
                line[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)
            )
            key = (source, what) if source else key
            found[key] = f"{found.get(key, '')} {text}".strip()
        return code, found

    return run


def test_all_is_well_and_nothing_is_written(company, check):
    company.add_events((1, "login", company.now))
    company.execute("alter table spider_status alter created_at type timestamp", database=SPIDERS)
    code, found = check()
    assert code == 0
    assert found == {
        ("website", "users"): f"apercite_account_user in {WEBSITE}: no row yet",
        ("website", "profiles"): f"apercite_account_userprofile in {WEBSITE}: no row yet",
        ("website", "apikeys"): f"apercite_account_apikey in {WEBSITE}: no row yet",
        ("events", "events.events"): f"event in {EVENTS}: rows from 2026-03-10 12:05 UTC on",
        ("spiders", "spiders.statuses"): f"spider_status in {SPIDERS}: no row yet, its times are of UTC",
        ("prometheus", ""): "off: not configured, or enabled = false",
        ("google_analytics", ""): "off: not configured, or enabled = false",
        ("pipeline", ""): "off: not configured, or enabled = false",
    }
    assert company.value("select to_regclass('raw.reads')") is None
    assert company.value("select to_regclass('ops.runs')") is None


def test_each_fault_is_named_and_hides_no_other(company, check):
    """A table without rights and one that is not there, a wrong zone, a server that is gone."""
    objects = {"gone": "no_such.table", "users": "apercite_account_user", "keys": {"table": "event", "id": "idd"}}
    company.execute("create table event (id int, created_at timestamptz)", database=WEBSITE)
    company.set(
        SOURCES__WEBSITE__OBJECTS=json.dumps(objects),
        SOURCES__EVENTS__START_AT="soon",
        SOURCES__SPIDERS__TIMEZONE="Europe/Pari",
        SOURCES__PROMETHEUS__ENABLED="true",
        SOURCES__PROMETHEUS__URL="http://user@127.0.0.1:1/demo/prometheus",
    )
    code, found = check()
    assert code == 1
    assert found["website", "gone"].startswith("FAILED: [sources.website] objects.gone.table: there is no table ")
    assert found["website", "users"] == f"apercite_account_user in {WEBSITE}: no row yet"
    assert found["website", "keys"].endswith("objects.keys.id: event has no column idd; did you mean id?")
    assert found["events", "events.events"].startswith("FAILED: [sources.events] start_at: 'soon' is no instant; ")
    assert found["spiders", ""].startswith("FAILED: [sources.spiders] timezone: no such time zone; ")
    assert found["prometheus", ""].startswith("FAILED: [sources.prometheus] url holds a user: ")

    company.set(SOURCES__WEBSITE__URL="postgresql://u:hunter2@127.0.0.1:1/demo_website")
    found = check()[1]["website", ""]
    assert found.startswith("FAILED: [sources.website] url: connection to server at ")
    assert "hunter2" not in found


def test_a_table_that_may_not_be_used_hides_no_other(company, check):
    """PostgreSQL ends the transaction in which a schema is refused."""
    company.execute("drop role if exists test_checker; create role test_checker login password 'secret'")
    company.execute(
        "create schema closed; create table closed.t (id int, created_at timestamptz);"
        "grant select on apercite_account_user to test_checker",
        database=WEBSITE,
    )
    company.set(
        SOURCES__WEBSITE__URL=f"postgresql://test_checker:secret@{company.server.host}:{company.server.port}/{WEBSITE}",
        SOURCES__WEBSITE__OBJECTS='{"closed": "closed.t", "keys": "apercite_account_apikey", '
        '"users": "apercite_account_user"}',
    )
    found = check()[1]
    assert "grant usage on schema ... to test_checker" in found["website", "closed"]
    assert 'grant select ("id", "created_at"' in found["website", "keys"]
    assert found["website", "users"].endswith("no row yet")


def test_settings_that_can_not_be_read_are_said_at_once(company, configure):
    configure('company = "demo"\n[sources.event]\nurl = "postgresql:///demo_shop"')
    assert main() == 2
    assert company.capfd.readouterr().err == (
        "check-sources: [sources.event]: there is no such source; did you mean [sources.events]?\n"
    )
    configure('company = "demo"')
    company.set(WAREHOUSE_DATABASE="no_such_database")
    assert main() == 2
    company.set(WAREHOUSE_DATABASE=WAREHOUSE)
