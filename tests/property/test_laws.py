"""The laws of the facts, at rest, through real ingest and real dbt (design, section 6).

Few histories, since each takes a dozen of dbt's runs; test_laws_compiled holds many. `LAWS_REAL` says how many.
"""

import datetime as dt
import os
import random
from contextlib import closing

import pytest

from tests.conftest import EVENTS, FACTS_AND_MARTS, SPIDERS, WEBSITE
from tests.facts import rebuild, state, writes

HOUR = dt.timedelta(hours=1)
# A week that holds the 25-hour day of Paris.
START = dt.datetime(2026, 10, 22, 6, 20, tzinfo=dt.timezone.utc)
TYPES = ("login", "crawl.finished", "crawl.failed")
WORKERS = ("[]", '[{"stage": "crawl"}, {}]', '[{"stage": "crawl"}]', "null", '["odd"]')
TABLES = ("apercite_account_user", "apercite_account_userprofile", "apercite_account_apikey")


class World:
    """Sources that change at will, the clock that moves, and the runs in between."""

    def __init__(self, company, seed: int):
        """Fill the sources, read and build them once."""
        self.company, self.random, self.ids = company, random.Random(seed), 0
        company.now = START
        company.add_spiders()
        company.execute("insert into spider values (1, 'arachne'), (2, 'shelob')", database=SPIDERS)
        self.change(rows=60)
        company.read()
        company.build_facts()

    def change(self, rows: int = 12) -> None:
        """New, late, moved, retyped and vanished events and reports; new and deleted objects."""
        self.change_events(rows)
        self.change_objects(rows)
        self.change_reports(rows)

    def change_events(self, rows: int) -> None:
        """New, late, moved, retyped and vanished ones."""
        with closing(self.company.server.connect(EVENTS)) as connection, connection, connection.cursor() as cursor:
            for _ in range(rows):
                self.ids += 1
                late = self.random.choice((0, 0, 0, 1, 30, 200)) * HOUR * self.random.random()
                values = (self.ids, self.random.choice(TYPES), self.company.now - late, self.company.now)
                whose = (self.random.choice((1, 2, None)), self.random.choice((0, 1_500, None)))
                cursor.execute(
                    "insert into event (id, kind, occurred_at, recorded_at, user_id, duration_ms) "
                    "values (%s, %s, %s, %s, %s, %s)",
                    values + whose,
                )
            victims = [self.random.randint(1, self.ids) for _ in range(6)]
            cursor.execute("delete from event where id = any(%s)", (victims[:2],))
            cursor.execute("update event set kind = %s where id = any(%s)", (self.random.choice(TYPES), victims[2:4]))
            moved = (self.random.uniform(-5, 5), self.company.now, victims[4:])
            cursor.execute(
                "update event set occurred_at = least(occurred_at + %s * interval '1 hour', %s) where id = any(%s)",
                moved,
            )

    def change_objects(self, rows: int) -> None:
        """New and deleted ones."""
        with closing(self.company.server.connect(WEBSITE)) as connection, connection, connection.cursor() as cursor:
            for table in TABLES:
                for _ in range(rows // 4):
                    self.ids += 1
                    created = self.company.now - self.random.choice((0, 0, 2, 100)) * HOUR * self.random.random()
                    cursor.execute(f"insert into {table} (id, created_at) values (%s, %s)", (self.ids, created))
                cursor.execute(f"delete from {table} where id = %s", (self.random.randint(1, self.ids),))

    def change_reports(self, rows: int) -> None:
        """New, late, moved, rewritten and vanished ones, odd and double ones among them."""
        with closing(self.company.server.connect(SPIDERS)) as connection, connection, connection.cursor() as cursor:
            for _ in range(rows):
                at = self.company.now - self.random.choice((0.5, 1, 3, 30, 200)) * HOUR * self.random.random()
                cursor.executemany(
                    "insert into spider_status values (%s, %s, %s)",
                    [(self.random.choice((1, 1, 2)), self.random.choice(WORKERS), at)] * self.random.choice((1, 1, 2)),
                )
            bounds = [self.company.now - self.random.choice((2, 9)) * HOUR, self.company.now - HOUR]
            cursor.execute(
                self.random.choice(
                    (
                        "delete from spider_status where created_at between %s and %s",
                        "update spider_status set attributes = '[{}]' where created_at between %s and %s",
                        "update spider_status set created_at = created_at - interval '40 minutes' "
                        "where created_at between %s and %s",
                    )
                ),
                bounds,
            )

    def step(self) -> None:
        """Move the clock, change the sources, read them in one of the ways, and perhaps build."""
        self.company.now += self.random.choice((0.3, 1, 1, 2, 9, 26)) * HOUR
        self.change()
        self.company.read(*self.arguments())
        if self.random.random() < 0.6:
            chosen = self.random.choice((FACTS_AND_MARTS, FACTS_AND_MARTS, ("fct_metric_hourly",)))
            self.company.build("--select", *chosen)

    def arguments(self) -> list[str]:
        """All sources, one, an old range, or a reconcile."""
        sources = ("events", "spiders", "website")
        start = START - self.random.randint(1, 60) * HOUR
        old = ["--from", start.isoformat(), "--to", (start + self.random.randint(1, 9) * HOUR).isoformat()]
        return self.random.choice(
            ([], [], [], *([source] for source in sources), *([source, *old] for source in sources), ["--reconcile"])
        )


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("LAWS_REAL", "2"))))
def test_dirty_builds_equal_a_full_build_and_a_rerun_writes_nothing(company, seed):
    """Whatever was read in whatever order: the facts are those of a full build, and building again writes no row."""
    world = World(company, seed)
    for _ in range(5):
        world.step()
    company.read("--reconcile")
    company.build_facts()
    found, written = state(company), writes(company)
    assert all(found.values()), found

    company.build_facts()
    assert writes(company) == written

    rebuild(company)
    assert state(company) == found


def test_reading_again_what_is_unchanged_writes_no_fact(company):
    """The same rows read again make hours dirty, and nothing is written: no false restatement."""
    World(company, 7)
    written = writes(company)
    for source in ("events", "spiders"):
        company.read(source, "--from", "2026-10-15", "--to", "2026-10-22T06:20")
    company.read("--reconcile")
    company.build_facts()
    again = [row for row in writes(company) if row[0] != "fct_coverage_hourly"]
    assert again == [row for row in written if row[0] != "fct_coverage_hourly"]


def test_facts_are_what_plain_sql_says_of_the_source(company):
    """Counted by hand at the source, by type and hour of Paris' days: the same numbers."""
    world = World(company, 11)
    for _ in range(3):
        world.step()
    company.read("events", "--from", "2026-10-01", "--to", "2026-11-30")
    company.build_facts()
    past = f"from event where occurred_at < '{company.now}' group by 1, 2 order by 1, 2"
    by_hour = f"select kind, date_trunc('hour', occurred_at), count(*)::float8 {past}"
    by_day = f"select kind, (occurred_at at time zone 'Europe/Paris')::date, count(*)::float8 {past}"
    metric = "metric = 'events.count' and value > 0 order by 1, 2"
    hourly = company.rows(f"select labels ->> 'type', time, value from marts.mart_hourly where {metric}")
    daily = company.rows(f"select labels ->> 'type', date_day, value from marts.mart_daily where {metric}")
    assert hourly == company.rows(by_hour, database=EVENTS)
    assert daily == company.rows(by_day, database=EVENTS)
