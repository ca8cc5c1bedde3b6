"""From the sources to the marts, the whole way, in small."""

import datetime as dt

from tests.conftest import WEBSITE

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)


def test_events_become_numbers(company):
    """Each hour's events stand in fact and mart; the open hour is marked."""
    at = company.now - 3 * HOUR
    company.add_events(
        (1, "login", at), (2, "login", at), (3, "crawl.finished", at), (4, "login", company.now - HOUR / 60)
    )
    company.execute("insert into apercite_account_user (id, created_at) values (1, %s)", (at,), WEBSITE)
    company.read()
    company.build()
    found = company.rows(
        "select series, time, value, is_complete from marts.mart_hourly where metric = 'events.count' order by 1, 2"
    )
    hour = at.replace(minute=0)
    assert found == [
        ("events.count{type=crawl.finished}", hour, 1, True),
        ("events.count{type=crawl.finished}", hour + HOUR, 0, True),
        ("events.count{type=crawl.finished}", hour + 2 * HOUR, 0, True),
        ("events.count{type=login}", hour, 2, True),
        ("events.count{type=login}", hour + HOUR, 0, True),
        ("events.count{type=login}", hour + 2 * HOUR, 0, True),
        ("events.count{type=login}", hour + 3 * HOUR, 1, False),
    ]
