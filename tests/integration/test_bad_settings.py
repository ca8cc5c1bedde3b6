"""A bad setting is one line that names the source, the setting and the cure, and shows no password."""

import json

import pytest

from tests.conftest import EVENTS, WEBSITE

SECRET = "hunter2"
ROLE = "test_limited"


@pytest.fixture
def failure(company):
    """Give a function that reads a source with some settings and returns its line."""

    def ingest(source: str = "events", expected_code: int = 78, **settings) -> str:
        names = {f"SOURCES__{source.upper()}__{name.upper()}": value for name, value in settings.items()}
        with company.monkeypatch.context() as patched:
            for name, value in names.items():
                patched.setenv(name, value if isinstance(value, str) else json.dumps(value))
            code, printed = company.ingest(source)
        assert code == expected_code, printed
        assert printed.count("\n") == 1, printed
        assert SECRET not in printed
        assert company.value("select count(*) from ops.runs where message like %s", (f"%{SECRET}%",)) == 0
        assert company.value("select count(*) from raw.reads where source = %s", (source,)) == 0
        start = f"{source:<18} FAILED: [sources.{source}] "
        assert printed.startswith(start), printed
        return printed[len(start) :].strip()

    return ingest


def limited(company, database: str) -> str:
    """Return the URL of a source for a role that may do nothing yet."""
    company.execute(
        f"""
        do $$ begin
            if not exists (select from pg_roles where rolname = '{ROLE}') then create role {ROLE} login; end if;
        end $$;
        alter role {ROLE} password '{SECRET}'
        """
    )
    return f"postgresql://{ROLE}:{SECRET}@{company.server.host}:{company.server.port}/{database}"


def test_a_server_that_does_not_let_us_in(company, failure):
    server = f"{company.server.host}:{company.server.port}"
    cure = "Is the server up, are host, database, user and password right?"
    for url, reason, code in (
        (f"postgresql://u:{SECRET}@127.0.0.1:1/demo_shop", "url: connection to server at ", 3),
        (f"postgresql://u:{SECRET}@no-such-host.invalid/demo_shop", "url: could not translate host name ", 3),
        (f"postgresql://{company.server.user}:{SECRET}@{server}/{EVENTS}", "url: connection to server at ", 78),
        (f"postgresql://nobody:{SECRET}@{server}/{EVENTS}", "url: connection to server at ", 78),
        ("postgresql:///demo_gone", "url: connection to server at ", 78),
        (f"postgresql://u:{SECRET}@h/demo_shop?sslmode=never", "url: invalid sslmode value", 78),
    ):
        line = failure(url=url, expected_code=code)
        assert line.startswith(reason), line
        assert line.endswith(cure), line


@pytest.mark.parametrize("source", ["events", "website"])
def test_an_url_that_is_none(failure, source):
    form = (
        "url is not of the form postgresql://user:password@host:5432/database; "
        "in a password write @ as %40, / as %2F, % as %25"
    )
    for url in (
        f"postgres//u:{SECRET}@h/demo_shop",
        f"mysql://u:{SECRET}@h/demo_shop",
        f"postgresql://u:p@{SECRET}@h/demo_shop",
        f"postgresql://u:p/{SECRET}@h/demo_shop",
        f"postgresql://u:{SECRET}/p@h/demo_shop",
        f"postgresql://u:12/{SECRET}@h/demo_shop",
        f"postgresql://u:p%{SECRET}@h/demo_shop",
        f"postgresql://u:{SECRET}@h:port/demo_shop",
        f"postgresql://u:{SECRET}@[::1/demo_shop",
        f"postgresql://u:{SECRET}@h/demo_shop?pasword={SECRET}",
        f"postgresql://u:{SECRET}@h",
        SECRET,
    ):
        assert failure(source, url=url) == form
        if source == "website":
            return
    line = failure(url=[f"postgresql://u:{SECRET}@h/demo_shop"])
    assert line.startswith("url: ")
    assert line.endswith("valid string")


def test_an_url_with_options_of_its_own(company):
    company.execute("create schema app; alter table event set schema app", database=EVENTS)
    company.set(SOURCES__EVENTS__URL=f"postgresql:///{EVENTS}?options=-csearch_path%3Dapp")
    company.read("events")


def test_a_table_that_is_not_there(failure):
    for name in ("evnt", "no.such", "event; drop table event", "", '"event'):
        assert failure(table=name) == (
            f"table: there is no table {name} in database {EVENTS} that tester can see; write schema.table where "
            "it is not in public, or as its owner: grant usage on schema ... to tester"
        )
    line = failure("website", objects={"users": "app_user"})
    assert line.startswith(f"objects.users.table: there is no table app_user in database {WEBSITE}")


def test_a_column_that_is_not_there(failure):
    required = {"event_id": "id", "type": "kind"}
    assert failure(columns={**required, "occurred_at": "ocurred_at"}) == (
        "columns.occurred_at: event has no column ocurred_at; did you mean occurred_at?"
    )
    assert failure(columns={}).startswith("columns.event_id: event has no column event_id; ")
    assert failure(columns={"event_id": "xyz"}) == (
        "columns.event_id: event has no column xyz; it has: id, kind, occurred_at, recorded_at, user_id, "
        "duration_ms, attributes"
    )
    assert failure(arrival_column="recorded") == (
        "arrival_column: event has no column recorded; did you mean recorded_at?"
    )
    users = {"table": "apercite_account_user", "created_at": "created"}
    assert failure("website", objects={"users": users}) == (
        "objects.users.created_at: apercite_account_user has no column created; did you mean created_at?"
    )
    assert failure("website", objects={"users": {"table": "apercite_account_user", "user_id": "id2"}}).startswith(
        "objects.users.user_id: apercite_account_user has no column id2"
    )


def test_attributes_without_their_column(company, failure):
    company.execute("alter table event rename attributes to payload", database=EVENTS)
    assert failure(attributes=["plan"]).startswith("columns.attributes: event has no column attributes; ")


def test_a_column_of_another_type(company, failure):
    time = "needed is timestamp with time zone or timestamp without time zone"
    ours = {"event_id": "id", "type": "kind"}
    assert failure(columns={**ours, "occurred_at": "kind"}) == f'columns.occurred_at: column "kind" is a text; {time}'
    assert failure(columns={**ours, "duration_ms": "kind"}).startswith('columns.duration_ms: column "kind" is a text; ')
    assert failure(columns={**ours, "attributes": "kind"}) == (
        'columns.attributes: column "kind" is a text; needed is jsonb or json'
    )
    assert failure(arrival_column="id") == f'arrival_column: column "id" is a bigint; {time}'
    keys = {"table": "apercite_account_apikey", "created_at": "key"}
    assert failure("website", objects={"keys": keys}) == f'objects.keys.created_at: column "key" is a text; {time}'


def test_a_setting_that_is_misspelt(failure):
    assert failure(tabel="event") == "tabel: no such setting; did you mean table?"
    assert failure(xyz="1") == "xyz: no such setting; ingest/sources/events/README.md has them all"
    assert failure("website", keeps_days="3").startswith("keeps_days: no such setting; ")
    assert failure(columns={"event_id": "id", "kind": "kind"}) == (
        "columns.kind: no such column; there are: event_id, type, occurred_at, user_id, duration_ms, attributes"
    )
    users = {"table": "apercite_account_user", "user": "id"}
    assert failure("website", objects={"users": users}) == (
        "objects.users.user: no such setting; ingest/sources/website/README.md has them all"
    )


def test_a_setting_of_another_type(failure):
    for name, value in (
        ("timezone", "Europe/Pariss"),
        ("timezone", ""),
        ("lookback_hours", "three"),
        ("lookback_hours", "-1"),
        ("keeps_days", "all"),
        ("keeps_days", "0"),
        ("attributes", "plan"),
        ("columns", "id"),
        ("columns", {"event_id": ["id"]}),
        ("start_at", "soon"),
        ("enabled", "maybe"),
    ):
        line = failure(**{name: value})
        assert line.startswith(f"{name}"), line
        assert len(line) > len(name) + 20, line
    assert "Europe/Paris" in failure(timezone="Paris")
    assert "2026-11-01T00:00Z" in failure(start_at="soon")
    for objects in ("app_user", ["app_user"], {}, {"users": 5}, {"users": {"table": ["a"]}}):
        assert failure("website", objects=objects).startswith("objects")
    assert failure("website", objects={"users": {"id": "id"}}).startswith("objects.users.table is not set: ")


def test_a_grant_that_is_missing(company, failure):
    """Each line's SQL, run by the owner, is the cure."""
    url = limited(company, EVENTS)
    company.execute("create schema app; alter table event set schema app", database=EVENTS)
    usage = failure(url=url, table="app.event")
    assert usage.startswith(f"table: there is no table app.event in database {EVENTS} that {ROLE} can see; ")
    assert usage.endswith(f"as its owner: grant usage on schema ... to {ROLE}")
    company.execute(f"grant usage on schema app to {ROLE}", database=EVENTS)

    whole = failure(url=url, table="app.event")
    assert whole.startswith(f"url: {ROLE} may not read app.event ")
    cure = whole.split("as its owner: ")[1]
    assert cure.startswith("grant select (") and cure.endswith(f") on app.event to {ROLE}")  # noqa: PT018
    company.execute(cure, database=EVENTS)
    company.execute(f"revoke select (user_id) on app.event from {ROLE}", database=EVENTS)
    one = failure(url=url, table="app.event")
    assert 'may not read app.event ("user_id"); ' in one
    company.execute(one.split("as its owner: ")[1], database=EVENTS)
    arrival = failure(url=url, table="app.event")
    assert '("recorded_at")' in arrival
    company.execute(arrival.split("as its owner: ")[1], database=EVENTS)
    company.set(SOURCES__EVENTS__URL=url, SOURCES__EVENTS__TABLE="app.event")
    company.read("events")

    url = limited(company, WEBSITE)
    users = {"users": {"table": "apercite_account_user", "user_id": "id"}}
    line = failure("website", url=url, objects=users)
    cure = line.split("as its owner: ")[1]
    assert cure == f'grant select ("id", "created_at") on apercite_account_user to {ROLE}'
    company.execute(cure, database=WEBSITE)
    company.set(SOURCES__WEBSITE__URL=url, SOURCES__WEBSITE__OBJECTS=json.dumps(users))
    company.read("website")
