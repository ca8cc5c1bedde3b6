"""The four roles of a server of your own: each does its work, and there is no way out of any of them."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from dashboards import alerts
from dashboards.check import Check
from dashboards.definitions import DASHBOARDS
from dashboards.definitions.public import PUBLIC
from dashboards.site.__main__ import main as site
from ingest import reads
from ingest.__main__ import main as ingest
from ingest.embedded import EmbeddedServer
from ingest.errors import SetupError
from roles.__main__ import main as command
from roles.make import ALL, PLACE_FOR_A_PASSWORD, make
from roles.readers import GRAFANA_READER, PUBLIC_READER, READERS
from roles.reading import reading
from roles.workers import LOADER, TRANSFORMER
from tests.conftest import EVENTS, WAREHOUSE, Company, Server, free_port
from tests.integration.google_analytics_server import REPORTS, serve
from tick.run import STEPS, run
from tick.steps import Options

# What no role may, each with the read-only setting turned off, as a session may: nothing is granted for it.
WAYS_OUT = {
    "a table in public": "create table public.mine (number int)",
    "a schema": "create schema mine",
    "a function in public": "create function public.mine() returns int language sql as 'select 1'",
    "an extension": "create extension file_fdw",
    "a foreign server": "create foreign data wrapper mine",
    "another role": "set role tester",
    "another user": "set session authorization tester",
    "more rights": "alter role {role} createdb",
    "a new role": "create role mine",
    "being the administrator": "grant tester to {role}",
    "another's password": "alter role tester password 'mine'",
    "passwords": "select * from pg_authid",
    "another's settings": "alter role tester set work_mem = '1MB'",
    "a setting of the server": "alter system set log_connections = on",
    "a setting of administrators": "set session_replication_role = replica",
    "a program": "copy (select 1) to program 'cat'",
    "a file": "copy (select 1) to '/tmp/mine'",
    "reading a file": "select pg_read_file('/etc/passwd')",
    "a file of the server": "select pg_ls_dir('.')",
    "a large object": "select lo_create(0)",
    "a large object of bytes": "select lo_from_bytea(0, 'x')",
    "a large object of a file": "select lo_import('/etc/passwd')",
    "another database": "create database mine",
    "dropping the database": "drop database postgres",
    "another's session": "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tester'",
    "what others have asked": "select pg_stat_reset()",
    "a publication": "create publication mine for all tables",
    "a slot": "select pg_create_physical_replication_slot('mine')",
}
NOT_FOR_READERS = {
    "raw": "select * from raw.reads",
    "staging": "select * from staging.stg_ingest__reads",
    "core": "select * from core.fct_metric_hourly",
    "a table of ops": "select * from ops.runs",
    "inserting": "insert into marts.mart_active_users (grain) values ('day')",
    "updating through a view": "update marts.mart_metrics set label = ''",
    "deleting": "delete from marts.mart_retention",
    "emptying": "truncate marts.mart_retention",
    "dropping": "drop view marts.mart_daily",
    "replacing": "create or replace view marts.mart_daily as select 1",
    "a table in the marts": "create table marts.mine (number int)",
    "a temporary table": "create temporary table mine (number int)",
    "a function of the marts": "create function marts.mine() returns int language sql as 'select 1'",
}
# And what each may not that another may.
OWN_WAYS_OUT = {
    LOADER: {
        "reading core": "select * from core.fct_metric_hourly",
        "reading a mart": "select * from marts.mart_daily",
        "reading staging": "select * from staging.stg_ingest__reads",
        "writing a mart": "delete from marts.mart_retention",
        "writing a fact": "delete from core.fct_metric_hourly",
        "dropping a mart": "drop view marts.mart_daily",
        "a table in the marts": "create table marts.mine (number int)",
        "a table in ops": "create table ops.mine (number int)",
        "a function in ops": "create function ops.mine() returns int language sql as 'select 1'",
        "whose warehouse it is": "update ops.company set company = 'mine'",
        "what was told": "insert into ops.told values ('a', 'b', 'c', 'd', 'e')",
        "what was built": "delete from ops.built_reads",
        "dropping a log": "drop table ops.runs",
        "the builder": "set role transformer",
    },
    TRANSFORMER: {
        "writing raw": "delete from raw.events_events",
        "writing a read": "update raw.reads set finished_at = now()",
        "emptying raw": "truncate raw.events_events",
        "dropping raw": "drop table raw.events_events",
        "an index on raw": "create index on raw.events_events (event_id)",
        "a trigger on raw": "create trigger mine before update on raw.reads "
        "for each row execute function suppress_redundant_updates_trigger()",
        "a table in raw": "create table raw.mine (number int)",
        "dlt's own": "select * from raw_staging._dlt_version",
        "the loader": "set role loader",
        "a reader": "set role grafana_reader",
    },
    GRAFANA_READER: NOT_FOR_READERS,
    PUBLIC_READER: NOT_FOR_READERS
    | {
        "another mart": "select * from marts.mart_daily",
        "the registry": "select * from marts.mart_metrics",
        "a view of ops": "select * from ops.freshness",
    },
}
WORDS = {role: f"the word of {role.name}" for role in ALL}


@pytest.fixture(scope="module")
def company(profiles) -> Iterator[Company]:
    """Give a company on a server of its own whose warehouse is made, read and built by the roles alone."""
    with (
        tempfile.TemporaryDirectory(prefix="bd-") as folder,
        pytest.MonkeyPatch.context() as patch,
        serve_google() as url,
    ):
        embedded = EmbeddedServer(Path(folder), "127.0.0.1", free_port(), "tester", "secret word", "postgres")
        embedded.start()
        server = Server(embedded.host, embedded.port, embedded.user, embedded.password)
        company = Company(server, patch, None, profiles)
        company.execute(
            "insert into event (id, kind, occurred_at) values (1, 'login', '2026-03-10T11:00Z')", None, EVENTS
        )
        company.set(**{role.word: word for role, word in WORDS.items()})
        assert command([]) == 0
        log_in(company)
        of_a_source = f"postgresql://{server.user}:secret%20word@{server.host}:{server.port}"
        company.set(
            SOURCES__EVENTS__URL=f"{of_a_source}/{EVENTS}",
            SOURCES__WEBSITE__ENABLED="false",
            SOURCES__PIPELINE__ENABLED="true",
            SOURCES__GOOGLE_ANALYTICS__ENABLED="true",
            SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT=url,
            SOURCES__GOOGLE_ANALYTICS__TRANSPORT="rest",
            SOURCES__GOOGLE_ANALYTICS__REPORTS=json.dumps(REPORTS),
            SOURCES__GOOGLE_ANALYTICS__START_AT="2026-03-09",
        )
        assert ingest([]) == 0
        assert company.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test").success
        yield company
        embedded.stop()


@contextmanager
def serve_google() -> Iterator[str]:
    """Give the URL of the demo's property."""
    with serve(dt.datetime(2026, 3, 10, 12, 5, tzinfo=dt.timezone.utc)) as served:
        yield served.endpoints["rest"]


def log_in(company: Company) -> None:
    """Be the loader where ingest logs in, and the transformer everywhere else."""
    company.set(
        DESTINATION__POSTGRES__CREDENTIALS__USERNAME=LOADER.name,
        DESTINATION__POSTGRES__CREDENTIALS__PASSWORD=WORDS[LOADER],
        WAREHOUSE_USER=TRANSFORMER.name,
        WAREHOUSE_PASSWORD=WORDS[TRANSFORMER],
    )


def be_administrator(monkeypatch, company: Company) -> None:
    monkeypatch.setenv("WAREHOUSE_USER", company.server.user)
    monkeypatch.setenv("WAREHOUSE_PASSWORD", company.server.password)


def connect(company: Company, role=GRAFANA_READER, database: str = WAREHOUSE):
    """Return a connection as a role logs in."""
    server = company.server
    return psycopg2.connect(host=server.host, port=server.port, dbname=database, user=role.name, password=WORDS[role])


def granted(company: Company, role=GRAFANA_READER) -> set[str]:
    """Return the relations that a role may read."""
    query = (
        "select format('%%s.%%s', schemaname, name) from (select schemaname, viewname as name from pg_views "
        "union all select schemaname, tablename from pg_tables) as relations "
        "where schemaname not in ('pg_catalog', 'information_schema') "
        "and has_table_privilege(%s, format('%%I.%%I', schemaname, name), 'select')"
    )
    return {name for (name,) in company.rows(query, (role.name,))}


def test_ingest_and_dbt_ran_as_the_roles_and_each_owns_what_it_made(company):
    owners = company.rows(
        """
        select distinct schemas.nspname::text, relations.relowner::regrole::text
        from pg_class as relations
        inner join pg_namespace as schemas on schemas.oid = relations.relnamespace
        where relations.relkind in ('r', 'v') and schemas.nspname !~ '^(pg_|information_schema)'
        """
    )
    transformed = {(schema, "transformer") for schema in ("staging", "intermediate", "core", "marts", "ops")}
    assert set(owners) == {("raw", "loader"), *transformed}
    assert company.value("select count(*) from core.fct_metric_hourly where metric = 'events.count'") == 1
    assert company.value("select count(*) from ops.google_analytics_quota") > 0
    assert company.value("select count(*) from raw.pipeline_samples") > 0


def test_nothing_is_granted_to_everybody(company):
    query = """
        select relations.oid::regclass
        from pg_class as relations
        inner join pg_namespace as schemas on schemas.oid = relations.relnamespace
        cross join lateral aclexplode(relations.relacl) as granted
        where schemas.nspname !~ '^(pg_|information_schema)' and granted.grantee = 0
    """
    assert company.rows(query) == []


def test_a_whole_tick_runs_as_the_roles(company, tmp_path, monkeypatch):
    """The second read replaces rows, the second build reads marks, the steps are logged, the site is the reader's."""
    monkeypatch.setattr("tick.steps.SITE", tmp_path / "site")
    company.execute("insert into event (id, kind, occurred_at) values (2, 'login', '2026-03-10T11:30Z')", None, EVENTS)
    ended = run(list(STEPS), Options())
    assert "permission denied" not in ended.line
    assert company.value("select count(*) from raw.events_events") == 2
    assert dict(company.rows("select step, exit_code from ops.steps")).keys() == set(STEPS)
    assert company.value("select value from core.fct_metric_hourly where metric = 'events.count'") == 2
    assert (tmp_path / "site" / "index.html").exists()


@pytest.mark.parametrize(
    ("role", "dashboards"),
    [(GRAFANA_READER, DASHBOARDS), (PUBLIC_READER, [PUBLIC])],
    ids=("grafana_reader", "public_reader"),
)
def test_the_statements_of_the_dashboards_run_as_the_reader(company, role, dashboards):
    with reading(role) as connection, connection.cursor() as cursor:
        cursor.execute("select session_user")
        assert cursor.fetchone() == (role.name,)
        check = Check(connection, reads.now(connection))
        check.all(dashboards, alerts.rules() if role is GRAFANA_READER else [])
    assert not [line for line in check.problems if "permission denied" in line]
    assert check.runs > (200 if role is GRAFANA_READER else 15)


def test_the_page_for_the_world_is_written_by_the_role_that_sees_no_more(company, tmp_path):
    assert site(["--public", "--into", str(tmp_path / "site")]) == 0
    assert granted(company, PUBLIC_READER) == {"marts.mart_public"}


@pytest.mark.parametrize("role", ALL, ids=lambda role: role.name)
def test_there_is_no_way_out(company, role):
    ways = WAYS_OUT | OWN_WAYS_OUT[role]
    with closing(connect(company, role)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("set default_transaction_read_only = off")
        answers = {way: answer(cursor, statement.format(role=role.name)) for way, statement in ways.items()}
    print(f"{role.name}: {len(ways)} tries")
    assert {way: said for way, said in answers.items() if said is not errors.InsufficientPrivilege} == {}


def answer(cursor, statement: str) -> type[psycopg2.Error] | None:
    """Return the class of the error that a statement ends in; None where it runs."""
    try:
        cursor.execute(statement)
    except psycopg2.Error as error:
        return type(error)
    return None


@pytest.mark.parametrize("role", READERS, ids=lambda role: role.name)
def test_other_databases_have_nothing_for_it(company, role):
    with closing(connect(company, role, EVENTS)) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.cursor().execute("select * from event")


@pytest.mark.parametrize("role", READERS, ids=lambda role: role.name)
def test_it_sees_nothing_of_what_others_ask_and_of_what_is_in_their_tables(company, role):
    with closing(connect(company, role)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_stats where schemaname in ('raw', 'core', 'staging')")
        assert cursor.fetchone() == (0,)
        cursor.execute("select distinct query from pg_stat_activity where usename <> current_user")
        assert {query for (query,) in cursor.fetchall()} <= {"<insufficient privilege>"}


@pytest.mark.parametrize("role", READERS, ids=lambda role: role.name)
def test_its_sessions_are_read_only_short_and_in_utc(company, role):
    with closing(connect(company, role)) as connection, connection.cursor() as cursor:
        for name, value in role.settings.items():
            cursor.execute("select current_setting(%s)", [name])
            assert cursor.fetchone() == (value,)
        with pytest.raises(errors.ReadOnlySqlTransaction):
            cursor.execute("create table public.mine (number int)")


def test_grafana_reads_each_mart_and_view_of_ops(company):
    names = granted(company)
    assert {name.partition(".")[0] for name in names} == {"marts", "ops"}
    assert names > {"marts.mart_hourly", "marts.mart_retention", "ops.freshness", "ops.sources"}
    with closing(connect(company)) as connection, connection.cursor() as cursor:
        for name in sorted(names):
            cursor.execute(f"select * from {name} limit 1")


def test_a_statement_that_takes_too_long_is_cancelled(company, monkeypatch):
    company.execute("alter role grafana_reader set statement_timeout = '50ms'")
    with closing(connect(company)) as connection, pytest.raises(errors.QueryCanceled):
        connection.cursor().execute("select pg_sleep(600)")
    be_administrator(monkeypatch, company)
    make()
    assert company.value(
        "select 'statement_timeout=15s' = any(rolconfig) from pg_roles where rolname = 'grafana_reader'"
    )


def test_a_reader_has_twenty_connections(company):
    with ExitStack() as opened:
        for _ in range(GRAFANA_READER.connections):
            opened.enter_context(closing(connect(company)))
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            connect(company)


def test_what_dbt_builds_anew_it_may_read(company):
    before = granted(company)
    company.execute("drop view marts.mart_metrics cascade; drop table marts.mart_active_users cascade")
    assert granted(company) < before
    assert company.dbt("run", "--select", "mart_metrics", "mart_active_users").success
    assert granted(company) == before


def test_a_role_that_is_there_keeps_its_password_and_shows_a_new_one_once(company, monkeypatch, capsys):
    be_administrator(monkeypatch, company)
    for role in ALL:
        monkeypatch.delenv(role.word)
    assert command([]) == 0
    assert capsys.readouterr().out.count("the password is as it was") == len(ALL)
    company.execute("drop owned by public_reader; drop role public_reader")
    assert command(["--readers"]) == 0
    (shown,) = (line for line in capsys.readouterr().out.splitlines() if "shown this once" in line)
    monkeypatch.setenv(PUBLIC_READER.word, shown.rpartition(" ")[2])
    with reading(PUBLIC_READER) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from marts.mart_public")
    company.execute(f"alter role public_reader password '{WORDS[PUBLIC_READER]}'")


def test_a_role_that_may_too_much_is_refused(company, monkeypatch):
    be_administrator(monkeypatch, company)
    for more, less in (
        ("alter role loader createdb", "alter role loader nocreatedb"),
        ("grant pg_read_all_data to loader", "revoke pg_read_all_data from loader"),
    ):
        company.execute(more)
        with pytest.raises(SetupError, match="there is a role loader already, and it may more than it should"):
            make()
        company.execute(less)


def test_what_is_new_in_the_project_the_administrator_makes(company, monkeypatch, capsys):
    company.execute("drop table ops.told")
    assert ingest([]) == 2
    assert "run `make roles` again as the administrator" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        be_administrator(patch, company)
        assert command([]) == 0
    assert ingest([]) == 0


def test_what_one_role_made_before_goes_to_the_roles(company, monkeypatch):
    """Of a warehouse that the administrator has read and built."""
    company.execute("reassign owned by loader to tester; reassign owned by transformer to tester")
    assert ingest([]) == 2
    be_administrator(monkeypatch, company)
    make()
    log_in(company)
    monkeypatch.setenv("WAREHOUSE_USER", TRANSFORMER.name)
    monkeypatch.setenv("WAREHOUSE_PASSWORD", WORDS[TRANSFORMER])
    assert ingest([]) == 0
    assert company.dbt("run", "--select", "core,config.materialized:incremental").success


def test_who_may_not_make_roles_is_told_who_may(company, monkeypatch, capsys):
    company.execute("create role plain login password 'plain'")
    monkeypatch.setenv("WAREHOUSE_USER", "plain")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "plain")
    with pytest.raises(SetupError, match=r"let an administrator run what `python -m roles --sql` prints"):
        make()
    for role in READERS:
        monkeypatch.delenv(role.word)
    with pytest.raises(SetupError, match="plain can't become grafana_reader: run `make roles`"), reading():
        pass
    with reading(is_required=False) as connection, connection.cursor() as cursor:
        cursor.execute("select current_user, current_setting('transaction_read_only'), current_setting('timezone')")
        assert cursor.fetchone() == ("plain", "on", "UTC")


def test_the_script_of_an_administrator_does_the_same(company, monkeypatch, capsys):
    """In an empty database, by one who is no superuser."""
    company.execute("create role chief login createrole password 'chief'")
    company.server.create_database("another")
    company.execute("alter database another owner to chief")
    company.execute("drop owned by public_reader; drop role public_reader")
    monkeypatch.setenv("WAREHOUSE_DATABASE", "another")
    monkeypatch.setenv("WAREHOUSE_USER", "chief")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "chief")
    assert command(["--sql"]) == 0
    script = capsys.readouterr().out
    assert script.count(PLACE_FOR_A_PASSWORD) == 1
    company.execute(script.replace(PLACE_FOR_A_PASSWORD, WORDS[PUBLIC_READER]), database="another")
    owners = dict(company.rows("select nspname, nspowner::regrole::text from pg_namespace", database="another"))
    assert (owners["raw"], owners["ops"], owners["marts"]) == ("loader", "transformer", "transformer")


def test_the_warehouses_user_can_become_a_reader(company, monkeypatch):
    be_administrator(monkeypatch, company)
    for word in ("", WORDS[GRAFANA_READER]):
        monkeypatch.setenv(GRAFANA_READER.word, word)
        with reading() as connection, connection.cursor() as cursor:
            cursor.execute("select current_user, current_setting('transaction_read_only'), current_setting('timezone')")
            assert cursor.fetchone() == ("grafana_reader", "on", "UTC")


def test_an_administrator_need_not_be_a_superuser(company, monkeypatch):
    """In a database of its own, with roles that are not there yet: the last test, since it takes the others' away."""
    for role in ALL:
        for database in (WAREHOUSE, "another"):
            company.execute(f"drop owned by {role.name} cascade", database=database)
        company.execute(f"drop role {role.name}")
    for statement in ("drop schema if exists raw cascade", "grant all on schema public to chief"):
        company.execute(statement, database="another")
    monkeypatch.setenv("WAREHOUSE_DATABASE", "another")
    monkeypatch.setenv("WAREHOUSE_USER", "chief")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "chief")
    assert make().left == []
    owners = dict(company.rows("select nspname, nspowner::regrole::text from pg_namespace", database="another"))
    assert (owners["raw"], owners["ops"], owners["marts"]) == ("loader", "transformer", "transformer")
    log_in(company)
    monkeypatch.setenv("WAREHOUSE_USER", TRANSFORMER.name)
    monkeypatch.setenv("WAREHOUSE_PASSWORD", WORDS[TRANSFORMER])
    assert ingest([]) == 0
    with pytest.raises(errors.InsufficientPrivilege), closing(connect(company, LOADER, "another")) as connection:
        connection.cursor().execute("set role chief")
