"""Users who were active by day, week and month, each counted once in each; and objects that are never lost."""

import datetime as dt
import hashlib
from contextlib import closing

from tests.conftest import EVENTS, WEBSITE

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=UTC)


def add(company, *events: tuple[dt.datetime, int | None]) -> None:
    """Add a login for each time and user."""
    with closing(company.server.connect(EVENTS)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("select coalesce(max(id), 0) from event")
        (last,) = cursor.fetchone()
        for number, (at, user) in enumerate(events, last + 1):
            cursor.execute(
                "insert into event (id, kind, occurred_at, user_id) values (%s, 'login', %s, %s)", (number, at, user)
            )


def test_each_user_is_counted_once_in_each_period(company):
    company.set(SOURCES__EVENTS__START_AT=(MONDAY - DAY).replace(hour=23).isoformat())
    add(
        company,
        (MONDAY, 1),
        (MONDAY, 1),
        (MONDAY, 2),
        (MONDAY + DAY, 1),
        (MONDAY + 2 * DAY, 3),
        (MONDAY + 2 * DAY, None),
    )
    # 23:30 UTC on Sunday the 8th is Monday the 9th in Paris.
    add(company, ((MONDAY + 6 * DAY).replace(hour=23, minute=30), 9))
    company.now = MONDAY + 8 * DAY
    company.read("events")
    company.build_facts("mart_active_users")
    query = (
        "select period_start::text, active_users, is_complete from marts.mart_active_users where grain = %s order by 1"
    )
    assert company.rows(query, ("day",)) == [
        ("2026-03-02", 2, True),
        ("2026-03-03", 1, True),
        ("2026-03-04", 1, True),
        ("2026-03-09", 1, True),
    ]
    assert company.rows(query, ("week",)) == [("2026-03-02", 3, True), ("2026-03-09", 1, False)]
    assert company.rows(query, ("month",)) == [("2026-03-01", 4, False)]


def test_a_user_can_be_a_hash(company):
    """The same salt in both sources gives the same user; the id itself arrives nowhere."""
    company.set(SOURCES__EVENTS__USER_ID_SALT="pepper", SOURCES__WEBSITE__USER_ID_SALT="pepper")
    add(company, (company.now - DAY, 77))
    company.execute("insert into apercite_account_user (id, created_at) values (77, %s)", (company.now - DAY,), WEBSITE)
    company.read()
    company.build_facts("mart_active_users")
    hashed = hashlib.sha256(b"pepper77").hexdigest()
    assert company.value("select user_id from core.fct_user_activity_daily") == hashed
    assert company.rows("select object_id, user_id from core.dim_object") == [(hashed, hashed)]


def test_deleted_objects_stay_in_the_dimension(company):
    company.execute(
        "insert into apercite_account_user (id, created_at) values (1, %(at)s), (2, %(at)s)",
        {"at": company.now - DAY},
        WEBSITE,
    )
    company.read("website")
    company.execute("delete from apercite_account_user where id = 2", database=WEBSITE)
    company.now += DAY
    company.read("website")
    company.build_facts("mart_active_users")
    assert company.rows("select object_id, deleted_seen_at from core.dim_object order by 1") == [
        ("1", None),
        ("2", company.now),
    ]
