"""Forty series and what an hour of each holds: a rhythm, growth, noise, busy days, holidays; and what is planted in it.

A pure function of `series.csv`, a seed and a list of planted anomalies.
"""

import csv
import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parent
PARIS = ZoneInfo("Europe/Paris")
HOUR = dt.timedelta(hours=1)
# Nine weeks to learn from, then the six that are judged: they hold two holidays and the day on which clocks go back.
FIRST_DAY, FIRST_JUDGED, LAST_DAY = dt.date(2026, 8, 10), dt.date(2026, 10, 12), dt.date(2026, 11, 22)
HOLIDAYS = [
    dt.date.fromisoformat(line.split(",")[0])
    for line in (FOLDER.parents[2] / "seeds" / "holidays.csv").read_text().splitlines()[1:]
]

# By Paris hour; both have a mean of about 1.
RHYTHMS = {
    "office": (
        *(0.06, 0.04, 0.03, 0.03, 0.05, 0.1, 0.3, 0.8, 1.4, 1.9, 2.1, 2.0),
        *(1.5, 1.6, 2.0, 2.1, 2.0, 1.7, 1.2, 0.9, 0.7, 0.5, 0.3, 0.15),
    ),
    "evening": (
        *(0.5, 0.3, 0.2, 0.15, 0.15, 0.2, 0.4, 0.7, 0.9, 1.0, 1.0, 1.0),
        *(1.1, 1.1, 1.0, 1.0, 1.1, 1.2, 1.5, 1.9, 2.2, 2.2, 1.7, 1.0),
    ),
    "flat": (1.0,) * 24,
}


@dataclass(frozen=True)
class Series:
    """A line of series.csv. `size` is the mean of an hour, `noise` and `day_noise` are relative standard deviations."""

    name: str
    kind: str
    rhythm: str
    weekend: float
    size: float
    share: float
    noise: float
    day_noise: float
    weekly_growth: float


@dataclass(frozen=True)
class Planted:
    """An anomaly of a series: from an instant on, for some hours, of a size (a factor; of a jump what is added)."""

    series: str
    type: str
    starts_at: dt.datetime
    hours: int
    size: float

    def holds(self, at: dt.datetime) -> bool:
        """Whether an instant is in it."""
        return self.starts_at <= at < self.starts_at + self.hours * HOUR


def read_series() -> list[Series]:
    """Return the lines of series.csv."""
    with (FOLDER / "series.csv").open() as lines:
        return [
            Series(
                row["series"],
                row["kind"],
                row["rhythm"],
                *(
                    float(row[column] or 0)
                    for column in ("weekend", "size", "share", "noise", "day_noise", "weekly_growth")
                ),
            )
            for row in csv.DictReader(lines)
        ]


def midnight(day: dt.date) -> dt.datetime:
    """Return the instant at which a day of Paris starts, in UTC."""
    return dt.datetime.combine(day, dt.time(), PARIS).astimezone(dt.timezone.utc)


def days() -> Iterator[dt.date]:
    """Yield the days of history."""
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        yield FIRST_DAY + dt.timedelta(days=number)


def hours() -> Iterator[dt.datetime]:
    """Yield the hours of history, in UTC."""
    at, end = midnight(FIRST_DAY), midnight(LAST_DAY + dt.timedelta(days=1))
    while at < end:
        yield at
        at += HOUR


def hourly_values(series: Series, planted: list[Planted], seed: str) -> dict[dt.datetime, tuple[float, ...]]:
    """Return hour -> value of a series; of a ratio (numerator, denominator). An hour that is missing has none."""
    random = Random(f"{seed}/{series.name}")
    busy = {day: _around_1(random, series.day_noise) for day in days()}
    values, total = {}, series.size * 800
    for at in hours():
        mean = _mean(series, at) * busy[at.astimezone(PARIS).date()]
        noise, factor = _around_1(random, series.noise), _factor(planted, at)
        if series.kind == "counter":
            value = (_count(random, mean * noise * factor),)
        elif series.kind == "gauge":
            value = ((0.7 * series.size + 0.3 * mean) * noise * factor,)
        elif series.kind == "stock":
            total += _count(random, mean * noise) - (_count(random, 0.1 * mean) if series.size < 1000 else 0)
            total += sum(each.size for each in planted if each.type == "jump" and each.starts_at == at)
            value = (total,)
        elif series.kind == "pool":
            value = (round(factor * min(1.5 * series.size, (0.4 * series.size + 0.6 * mean) * noise)),)
        else:
            tries = _count(random, mean * noise)
            value = (_hits(random, tries, series.share * factor), tries)
        if not any(each.type == "missing" and each.holds(at) for each in planted):
            values[at] = value
    return values


def daily_values(series: Series, planted: list[Planted], seed: str) -> dict[dt.date, float]:
    """Return day -> value of a series that only its source reports, by day."""
    random = Random(f"{seed}/{series.name}")
    values = {}
    for day in days():
        noon = midnight(day) + 12 * HOUR
        mean = 24 * series.size * _weekly(series, noon) * _factor(planted, noon)
        noise = _around_1(random, series.day_noise) * _around_1(random, series.noise)
        values[day] = _count(random, mean * noise)
    return values


def _mean(series: Series, at: dt.datetime) -> float:
    return series.size * RHYTHMS[series.rhythm][at.astimezone(PARIS).hour] * _weekly(series, at)


def _weekly(series: Series, at: dt.datetime) -> float:
    """What the day of the week, holidays and growth make of the size."""
    day = at.astimezone(PARIS).date()
    weeks = (at - midnight(FIRST_DAY)) / dt.timedelta(weeks=1)
    is_off = day.weekday() >= 5 or day in HOLIDAYS
    return (series.weekend if is_off else 1) * series.weekly_growth**weeks


def _factor(planted: list[Planted], at: dt.datetime) -> float:
    """What is planted makes of a mean: a drift is its size each day, and stays; so does a level."""
    factor = 1.0
    for each in planted:
        if each.type == "drift" and at >= each.starts_at:
            factor *= each.size ** min((at - each.starts_at) / dt.timedelta(days=1), each.hours / 24)
        elif (each.type == "level" and at >= each.starts_at) or (each.type in FACTORS and each.holds(at)):
            factor *= each.size
    return factor


FACTORS = ("spike", "drop", "outage", "share", "day")


def _around_1(random: Random, deviation: float) -> float:
    return random.gammavariate(deviation**-2, deviation**2) if deviation else 1.0


def _count(random: Random, mean: float) -> int:
    """A Poisson number."""
    if mean > 50:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, left = 0, random.random()
    while left > math.exp(-mean):
        count, left = count + 1, left * random.random()
    return count


def _hits(random: Random, tries: int, share: float) -> int:
    """A binomial number."""
    if tries < 50:
        return sum(random.random() < share for _ in range(tries))
    if share > 0.5:
        return tries - _hits(random, tries, 1 - share)
    return min(tries, _count(random, tries * share))
