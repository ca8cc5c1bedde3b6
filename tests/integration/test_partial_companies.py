"""One source broken or not there: the other's numbers are right, and one line says what is missing."""

import datetime as dt

from tests.conftest import EVENTS, WEBSITE

HOUR = dt.timedelta(hours=1)


def test_a_broken_source_is_never_silent_and_never_stops_the_other(company):
    """The events are built; the build fails in one leaf test and names the website."""
    at = company.now - 3 * HOUR
    company.add_events((1, "login", at))
    company.execute("drop table apercite_account_apikey", database=WEBSITE)
    code, printed = company.ingest()
    assert code == 1
    broken = [line for line in printed.splitlines() if line.startswith("website")]
    assert len(broken) == 1
    assert "apercite_account_apikey" in broken[0]

    result = company.dbt("build", "--exclude-resource-type", "unit_test")
    printed = company.capfd.readouterr().out
    assert not result.success
    failed = [node.node.name for node in result.result.results if node.status in ("fail", "error", "skipped")]
    assert failed == ["every_source_was_read"]
    assert sum("NOT READ website" in line for line in printed.splitlines()) == 1
    assert company.value("select value from marts.mart_hourly where value > 0") == 1

    company.execute(
        "create table apercite_account_apikey (id int, user_id int, created_at timestamptz)", database=WEBSITE
    )
    company.read()
    company.build()


def test_a_website_alone_is_a_company(company):
    """Only a website's database: its numbers, with history from the first day; nothing is missing."""
    company.set(SOURCES__EVENTS__ENABLED="false")
    company.server.create_database(EVENTS)
    company.execute(
        "insert into apercite_account_user (id, created_at) values (1, %s), (2, %s)",
        (company.now - 30 * HOUR, company.now - 2 * HOUR),
        WEBSITE,
    )
    company.read()
    company.build()
    series = "series = 'objects.count{object=users}'"
    history = company.rows(f"select value, flags from marts.mart_hourly where {series} order by time")
    assert [value for value, _ in history] == [1] * 28 + [2] * 3
    assert history[0][1] == ["reconstructed", "estimated"]
    assert history[-1][1] == ["open"]
    series = "series = 'objects.created{object=users}' and value > 0"
    assert company.rows(f"select value from marts.mart_hourly where {series} order by time") == [(1,), (1,)]
