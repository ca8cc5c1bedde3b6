"""What the company's servers measure, as Prometheus would tell it: a pure function of SEED and time.

It needs no birth: the servers were always there. Each expression that the demo's settings ask for is one of ANSWERS;
another one is not answered.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random

from demo.company import DAYS_OF_WEEK, HOURS_OF_DAY, PARIS, SEED, instant_of

SCRAPE_SECONDS = 60
REQUESTS_AN_HOUR = 4000
PAGES_AN_HOUR = 900
SHARES = {"200": 0.93, "304": 0.035, "404": 0.025, "500": 0.008, "503": 0.002}
LIMITED = 0.012  # 429, in the weeks in which the limiter of requests was on trial
MEGABYTES = 18_000
MEGABYTES_AN_HOUR = 1.3
DAY, WEEK = 24, 168
# The spiders are deployed on Tuesdays at 14:20 UTC, and their counter begins at 0. Hour 0 was a Thursday's.
DEPLOYED = 5 * DAY + 14 + 20 / 60

Series = tuple[tuple[str, str], ...]
Values = dict[Series, float]


def draw(what: str, hour: int) -> Random:
    """Return the random numbers of an hour."""
    return Random(f"{SEED}:{what}:{hour}")


@lru_cache(maxsize=4096)
def load(hour: int) -> float:
    """Return how busy an hour is; 1 is the mean of a week."""
    local = instant_of(hour).astimezone(PARIS)
    return HOURS_OF_DAY[local.hour] / sum(HOURS_OF_DAY) * 24 * DAYS_OF_WEEK[local.weekday()]


def scraped_minutes(hour: int) -> int:
    """Return of how many of its minutes an hour has samples: on one day in 30, none from 2:00 to 4:35 UTC."""
    day, hour_of_day = divmod(hour, DAY)
    if day % 30 != 11 or hour_of_day not in (2, 3, 4):
        return 60
    return 25 if hour_of_day == 4 else 0


def is_limited(hour: int) -> bool:
    """Return whether the limiter was on trial: four weeks of eight, so that a series comes late, and goes."""
    return hour // WEEK % 8 >= 4


def counted(what: str, hour: int, mean: float) -> float:
    """Return what increase() says of a counter: by a sample in 60 extrapolated, and so no whole number."""
    count = max(0.0, draw(what, hour).gauss(mean, math.sqrt(mean)))
    return round(count) * 60 / 59


def requests(hour: int) -> Values:
    """Return requests by status."""
    shares = SHARES | ({"429": LIMITED} if is_limited(hour) else {})
    mean = REQUESTS_AN_HOUR * (load(hour) + 0.02)
    return {
        (("status", status),): counted(f"requests:{status}", hour, mean * share) for status, share in shares.items()
    }


def cache_requests(hour: int) -> Values:
    """Return look-ups in the cache by result: the busier, the more hits."""
    mean = 2.5 * REQUESTS_AN_HOUR * (load(hour) + 0.02)
    hits = 0.82 + 0.03 * min(load(hour), 2)
    return {
        (("result", result),): counted(f"cache:{result}", hour, mean * share)
        for result, share in (("hit", hits), ("miss", 1 - hits))
    }


def duration(first_hour: int, hours: int) -> Values:
    """Return the time in which 95 % of the requests of some hours were answered: busy hours weigh more."""
    weights = [load(hour) for hour in range(first_hour, first_hour + hours)]
    mean = sum(weight * weight for weight in weights) / sum(weights)
    noise = draw(f"duration:{hours}", first_hour).gauss(0, 0.01)
    return {(): round(0.18 + 0.09 * mean + noise, 4)}


def queue_length(hour: int) -> Values:
    """Return how many websites wait; one hour in 30 days the exporter told NaN."""
    day, hour_of_day = divmod(hour, DAY)
    if day % 30 == 20 and hour_of_day == 9:
        return {(): math.nan}
    return {(): round(3 + 40 * load(hour) ** 2 + draw("queue", hour).uniform(0, 5), 3)}


def database_size(hour: int) -> Values:
    """Return the bytes on disk at the end of an hour: more and more, less after the vacuum of each Sunday."""
    hours_since_vacuum = (hour - 3 * DAY) % WEEK
    bloat = 4 * hours_since_vacuum + draw("size", hour).uniform(0, 20)
    # From 2024 on, hour 473,352.
    return {(): float(int((MEGABYTES + MEGABYTES_AN_HOUR * (hour - 473_352) + bloat) * 2**20))}


@lru_cache(maxsize=4096)
def pages(hour: int) -> float:
    """Return how many pages the spiders crawled in an hour."""
    return round(draw("pages", hour).uniform(0.8, 1.2) * PAGES_AN_HOUR * (load(hour) + 0.1))


@lru_cache(maxsize=64)
def pages_since_deploy(week: int) -> tuple[float, ...]:
    """Return for each hour of the week after a deploy how many pages were crawled before that hour began."""
    first = week * WEEK + int(DEPLOYED)
    total, before = -pages(first) * (DEPLOYED % 1), []
    for hour in range(first, first + WEEK + 1):
        before.append(total)
        total += pages(hour)
    return tuple(before)


def pages_total(at: float) -> float:
    """Return what the counter of pages shows at an instant (seconds since 1970)."""
    hours = at / 3600
    week = int((hours - DEPLOYED) // WEEK)
    hour = int(hours)
    before = pages_since_deploy(week)[hour - week * WEEK - int(DEPLOYED)]
    return float(max(0, int(before + pages(hour) * (hours - hour))))


def page_samples(since: float, until: float) -> Iterator[tuple[float, float]]:
    """Yield the samples of the counter of pages in (since, until]."""
    at = since - since % SCRAPE_SECONDS + SCRAPE_SECONDS
    while at <= until:
        hour, minute = int(at // 3600), at % 3600 / 60
        if minute >= 60 - scraped_minutes(hour):
            yield at, pages_total(at)
        at += SCRAPE_SECONDS


def _hourly(values: Callable[[int], Values]) -> Callable[[int], Values]:
    """Let there be no value of an hour in which nothing was scraped."""
    return lambda hour: values(hour) if scraped_minutes(hour) else {}


def _samples(values: Callable[[int], Values]) -> Callable[[int], Values]:
    return lambda hour: dict.fromkeys(values(hour), float(scraped_minutes(hour))) if scraped_minutes(hour) else {}


def _count(values: Callable[[int], Values]) -> Callable[[int], Values]:
    return lambda hour: {(): float(len(values(hour)))} if values(hour) else {}


def _counter(name: str, by: str, values: Callable[[int], Values]) -> dict[str, Callable[[int], Values]]:
    """Return the three expressions of a query with samples -> their values in an hour."""
    function = {"crawler_queue_length": "avg_over_time", "database_size_bytes": "last_over_time"}.get(name, "increase")
    samples = f"sum by ({by}) (count_over_time({name}[1h]))"
    return {
        f"sum by ({by}) ({function}({name}[1h]))": _hourly(values),
        samples: _samples(values),
        f"count({samples})": _count(_hourly(values)),
    }


QUANTILE = "histogram_quantile(0.95, sum by (le) (increase(http_request_duration_seconds_bucket[{hours}h])))"
PAGES = "crawler_pages_total"
# Expression -> its values at the end of an hour. Quantiles and raw samples of a longer time are in `instant`.
ANSWERS: dict[str, Callable[[int], Values]] = {
    **_counter("http_requests_total", "status", requests),
    **_counter("cache_requests_total", "result", cache_requests),
    **_counter("crawler_queue_length", "", queue_length),
    **_counter("database_size_bytes", "", database_size),
    QUANTILE.format(hours=1): _hourly(lambda hour: duration(hour, 1)),
    f"count({QUANTILE.format(hours=1)})": _count(_hourly(lambda hour: duration(hour, 1))),
    f"count(sum by () (count_over_time({PAGES}[1h])))": _count(_hourly(lambda hour: {(): pages(hour)})),
}
DAYS = {QUANTILE.format(hours=hours): hours for hours in (23, 24, 25)}


def matrix(expression: str, start: int, end: int, step: int) -> list[dict] | None:
    """Return the answer to a range of instants, as Prometheus writes it; None where the expression is unknown."""
    answer = ANSWERS.get(expression)
    if answer is None:
        return None
    found: dict[Series, list] = {}
    for at in range(start, end + 1, step):
        for series, value in answer(at // 3600 - 1).items():
            found.setdefault(series, []).append([at, number(value)])
    return [{"metric": dict(series), "values": values} for series, values in found.items()]


def vector(expression: str, at: int) -> list[dict] | None:
    """Return the answer to an instant, as Prometheus writes it; None where the expression is unknown."""
    if expression in DAYS:
        hours = DAYS[expression]
        values = duration(at // 3600 - hours, hours)
    elif expression in ANSWERS:
        values = ANSWERS[expression](at // 3600 - 1)
    else:
        return None
    return [{"metric": dict(series), "value": [at, number(value)]} for series, value in values.items()]


def samples(expression: str, at: int) -> list[dict] | None:
    """Return the raw samples of a range up to an instant; None where the expression is another."""
    if not (expression.startswith(f"{PAGES}[") and expression.endswith("h]")):
        return None
    hours = int(expression[len(PAGES) + 1 : -2])
    values = [[when, number(value)] for when, value in page_samples(at - hours * 3600, at)]
    labels = {"__name__": PAGES, "instance": "spider:8000", "job": "spiders"}
    return [{"metric": labels, "values": values}] if values else []


def number(value: float) -> str:
    """Return a number as Prometheus writes it."""
    return "NaN" if math.isnan(value) else json.dumps(int(value) if value == int(value) else value)
