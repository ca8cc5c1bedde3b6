"""The READMEs of the sources show the SQL that is sent and the grants that it needs."""

import datetime as dt
import re
from contextlib import closing

import pytest

from ingest import warehouse
from ingest.job import Job, Options
from ingest.project import ROOT
from ingest.reads import Period, Reads
from ingest.settings import resolve
from ingest.sources import SOURCES
from ingest.sources.events import _Events
from ingest.sources.postgres import snapshot
from ingest.sources.spiders import _Statuses
from ingest.sources.website import _Website
from tests.conftest import EVENTS, SPIDERS, WAREHOUSE, WEBSITE

HOUR = dt.timedelta(hours=1)
ROLE = "test_reader"
# The sources that are asked in SQL.
DATABASES = {"website": WEBSITE, "events": EVENTS, "spiders": SPIDERS}


def blocks(source: str) -> list[str]:
    """Return the SQL that the README of a source shows."""
    text = (ROOT / "ingest" / "sources" / source / "README.md").read_text()
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def words(query: str) -> str:
    """Return a query without its line breaks and indents."""
    return re.sub(r"\s*([()])\s*", r" \1 ", " ".join(query.split())).strip()


def sent(source: str, job: Job) -> list[str]:
    """Return the queries that the demo's settings make at 12:05, for the hours from 09:00 on."""
    period = Period(job.now.replace(minute=0) - 3 * HOUR, job.now)
    settings = resolve(source, SOURCES[source].SETTINGS)
    with snapshot(job, settings) as opened:
        if source == "events":
            return _Events(opened, settings).queries([period])
        if source == "spiders":
            return _Statuses(opened, settings).queries([period])
        users = _Website(job, settings, opened).objects[0]
        listed = users.rows(users.created_at.within([period], settings.timezone), job.now)
        return [users.count(job.now), listed, users.oldest(), users.history(period.start - 6 * HOUR, job.now)]


@pytest.mark.parametrize("source", list(DATABASES))
def test_the_readme_shows_the_sql_that_is_sent(company, tmp_path, source):
    company.add_spiders()
    company.read()
    with closing(company.server.connect(WAREHOUSE)) as connection:
        reads = Reads(connection, source, company.now)
        job = Job(source, "demo", warehouse.target(), company.now, lambda text: None, reads, Options(), tmp_path)
        queries = sent(source, job)
    _grants, *shown = blocks(source)
    assert [words(query) for query in shown] == [words(query) for query in queries]


@pytest.mark.parametrize(("source", "database"), DATABASES.items(), ids=list(DATABASES))
def test_the_grants_of_the_readme_are_enough(company, source, database):
    company.add_spiders()
    company.execute(
        "create table app_user (id int, created_at timestamptz, email text);"
        "create table api_key (id int, created_at timestamptz, user_id int, key text);",
        database=database,
    )
    company.set(SOURCES__WEBSITE__OBJECTS='{"users": {"table": "app_user", "user_id": "id"}, "keys": "api_key"}')
    grants = blocks(source)[0].replace("to reader", f"to {ROLE}").replace("role reader", f"role {ROLE}")
    company.execute(
        f"drop role if exists {ROLE};" + grants.replace("database shop", f"database {database}"), database=database
    )
    try:
        url = f"postgresql://{ROLE}:choose%20one@{company.server.host}:{company.server.port}/{database}"
        company.set(**{f"SOURCES__{source.upper()}__URL": url})
        company.read(source)
    finally:
        company.execute(f"drop owned by {ROLE}; drop role {ROLE}", database=database)
