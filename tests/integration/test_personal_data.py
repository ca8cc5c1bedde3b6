"""What looks like a person's is refused before it is loaded, and nothing of it is shown or kept."""

import json

import pytest

from ingest import personal
from tests.conftest import EVENTS
from tests.integration.google_analytics_server import REPORTS

EVENT = "insert into event (id, kind, occurred_at, attributes) values (1, %s, '2026-03-10T11:00Z', %s)"


def refused(company, source: str = "events") -> str:
    """Read, which has to be refused in one line; returns it, which shows no value."""
    code, printed = company.ingest(source)
    assert (code, printed.count("\n")) == (78, 1), printed
    assert "ada" not in printed
    kept = " ".join(
        str(row) for row in company.rows("select error from raw.reads union all select message from ops.runs")
    )
    assert "ada" not in kept
    return printed


@pytest.mark.parametrize("key", ["email", "client_ip", "full_name"])
def test_a_key_is_refused_by_its_name_unless_it_is_allowed(company, key):
    company.execute(EVENT, ("login", json.dumps({key: "x"})), EVENTS)
    company.set(SOURCES__EVENTS__ATTRIBUTES=json.dumps([key]))
    assert f"[sources.events] attributes: {key} looks like " in refused(company)
    company.set(SOURCES__EVENTS__ALLOW_PERSONAL=json.dumps([key]))
    company.read("events")
    assert company.value("select attributes from raw.events_events") == {key: "x"}


@pytest.mark.parametrize("value", ["ada@example.com", "192.168.7.9"])
def test_a_value_is_refused_unless_its_key_is_allowed(company, value):
    company.execute(EVENT, ("login", json.dumps({"plan": value})), EVENTS)
    company.set(SOURCES__EVENTS__ATTRIBUTES='["plan"]')
    line = refused(company)
    assert "[sources.events] columns: plan holds a value that looks like " in line
    assert value not in line
    assert company.value("select count(*) from raw.events_events") == 0
    company.set(SOURCES__EVENTS__ALLOW_PERSONAL='["plan"]')
    company.read("events")
    assert company.value("select count(*) from raw.events_events") == 1


def test_a_type_is_refused_by_its_value(company):
    company.execute(EVENT, ("mail to ada@example.com", "{}"), EVENTS)
    assert "columns: type holds a value that looks like an e-mail address" in refused(company)


def test_a_user_is_a_number_or_a_hash(company):
    company.execute("alter table event add column user_email text default 'ada@example.com'", database=EVENTS)
    company.execute(EVENT, ("login", "{}"), EVENTS)
    company.set(SOURCES__EVENTS__COLUMNS='{"user_id": "user_email", "event_id": "id", "type": "kind"}')
    assert "columns.user_id (a number, or with a user_id_salt): user_email looks like an e-mail" in refused(company)
    company.set(SOURCES__EVENTS__USER_ID_SALT="pepper")
    company.read("events")
    assert len(company.value("select user_id from raw.events_events")) == 64


def test_an_owner_is_a_number_or_a_hash(company):
    company.set(SOURCES__WEBSITE__OBJECTS='{"users": {"table": "apercite_account_user", "user_id": "email"}}')
    assert "objects.users.user_id (a number, or with a user_id_salt): email looks like" in refused(company, "website")


def test_a_dimension_is_refused_by_its_name_and_by_its_values(read_google, monkeypatch):
    by_user = {"grain": "day", "dimensions": {"who": "customUser:email"}, "metrics": {"m": "sessions"}}
    code, printed = read_google(reports={"users": by_user})
    assert (code, "reports.users.dimensions: customUser:email looks like an e-mail address" in printed) == (78, True)
    # No channel looks like a person's: here one does.
    monkeypatch.setattr(personal, "of_value", lambda text: personal.EMAIL if "Organic Search" in text else None)
    code, printed = read_google(reports={"channels": REPORTS["channels"]})
    assert (code, "dimensions: channel holds a value that looks like an e-mail address" in printed) == (78, True)
    assert read_google(reports={"channels": REPORTS["channels"]}, allow_personal='["channel"]')[0] == 0
