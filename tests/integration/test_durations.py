"""Durations in merging buckets: percentiles of any hours, days and types together, exact to 1 %."""

import datetime as dt
import math
import random
from contextlib import closing

import pytest

from tests.conftest import EVENTS

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
MIDNIGHT = dt.datetime(2026, 3, 9, 23, tzinfo=UTC)  # of 2026-03-10 in Paris
COUNT = 3000
MOST_ERROR = 0.01
DISTRIBUTIONS = {
    "constant": lambda r: 1234,
    "uniform": lambda r: r.uniform(1, 60_000),
    "exponential": lambda r: r.expovariate(1 / 900),
    "log-normal": lambda r: r.lognormvariate(6, 1.5),
    "two peaks": lambda r: r.choice((r.gauss(40, 5), r.gauss(8000, 300))),
    "heavy tail": lambda r: 20 * r.paretovariate(0.8),
}


def percentile(durations: list[int], share: float) -> int:
    """The smallest duration that at least this share does not exceed."""
    return sorted(durations)[math.ceil(share * len(durations)) - 1]


@pytest.fixture
def drawn(company) -> dict[str, list[tuple[dt.datetime, int]]]:
    """Give the durations of six distributions over the hours of a day, read and built."""
    rng = random.Random(7)
    drawn = {
        name: [(MIDNIGHT + rng.random() * 24 * HOUR, max(0, round(draw(rng)))) for _ in range(COUNT)]
        for name, draw in DISTRIBUTIONS.items()
    }
    with closing(company.server.connect(EVENTS)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("alter table event alter column duration_ms type bigint")
        for number, (name, durations) in enumerate(drawn.items()):
            rows = [(number * COUNT + i, name, at, ms) for i, (at, ms) in enumerate(durations)]
            values = b",".join(cursor.mogrify("(%s, %s, %s, %s)", row) for row in rows)
            cursor.execute(b"insert into event (id, kind, occurred_at, duration_ms) values " + values)
        cursor.execute("insert into event (id, kind, occurred_at) values (-1, 'uniform', %s)", (MIDNIGHT,))
        cursor.execute(
            "insert into event (id, kind, occurred_at, duration_ms) values (-2, 'uniform', %s, -5)", (MIDNIGHT,)
        )
    company.now = MIDNIGHT + 25 * HOUR
    company.read("events")
    company.build_facts("+mart_duration_hourly", "+mart_duration_daily")
    return drawn


def check(found: tuple, durations: list[int]) -> float:
    """Hold a mart's row to the exact statistics; returns the largest relative error of a percentile."""
    count, mean, p50, p95, p99, least, most = found
    assert (count, least, most) == (len(durations), min(durations), max(durations))
    assert mean == pytest.approx(sum(durations) / len(durations), rel=1e-12)
    errors = []
    for value, share in ((p50, 0.5), (p95, 0.95), (p99, 0.99)):
        exact = percentile(durations, share)
        errors.append(abs(value - exact) / exact if exact else value)
    return max(errors)


def test_percentiles_are_exact_to_one_percent(company, drawn):
    """By type and over types, by hour and by day; what has no duration, or a negative one, is left out."""
    columns = "count, mean, p50, p95, p99, min, max"
    errors = {}
    for name in DISTRIBUTIONS:
        durations = [ms for _, ms in drawn[name]]
        day = (
            f"select {columns} from marts.mart_duration_daily where labels ->> 'type' = %s and date_day = '2026-03-10'"
        )
        errors[name, "day"] = check(company.rows(day, (name,))[0], durations)
        hourly = company.rows(
            f"select time, {columns} from marts.mart_duration_hourly where labels ->> 'type' = %s order by time",
            (name,),
        )
        assert len(hourly) == 24
        for hour, *found in hourly:
            inside = [ms for at, ms in drawn[name] if hour <= at < hour + HOUR]
            errors[name, "hour"] = max(errors.get((name, "hour"), 0), check(tuple(found), inside))
    everything = [ms for durations in drawn.values() for _, ms in durations]
    over = (
        f"select {columns} from marts.mart_duration_daily where series = 'events.duration' and date_day = '2026-03-10'"
    )
    errors["all types", "day"] = check(company.rows(over)[0], everything)
    print(*(f"{name} by {grain}: {error:.2%}" for (name, grain), error in errors.items()), sep="\n")
    assert max(errors.values()) <= MOST_ERROR, errors
    assert company.value("select bool_and(is_complete) from marts.mart_duration_daily where date_day = '2026-03-10'")


def test_a_changed_duration_changes_its_hour_alone(company, drawn):
    before = dict(company.rows("select series_id || hour_at::text, built_at from core.fct_duration_hourly"))
    company.execute("update event set duration_ms = duration_ms + 99999 where id = 0", database=EVENTS)
    company.read("events", "--from", MIDNIGHT.isoformat(), "--to", company.now.isoformat())
    company.build_facts("+mart_duration_hourly", "+mart_duration_daily")
    after = dict(company.rows("select series_id || hour_at::text, built_at from core.fct_duration_hourly"))
    assert sum(before[key] != after[key] for key in before) == 1
