"""What the website's visitors do, session by session: a pure function of SEED and time.

It needs no birth: the website was always there. Google does not know at once what happened: a session is *processed*
up to 72 hours after it started, and until it is *attributed* its channel is Unassigned. So what a property tells of an
hour or a day depends on when it is asked (`reports.py`), and settles after 72 hours.
"""

from __future__ import annotations

import math
from functools import lru_cache
from random import Random
from typing import NamedTuple

from demo.metrics import draw, load

# 3,950 sessions a day in the mean. The company's 100 to 120 sign-ups are 2.5 to 3 % of them, 5 % in the campaign.
SESSIONS_AN_HOUR = 150
AT_NIGHT = 0.1  # of a mean hour: the website is read abroad, too
NEW_VISITORS = 0.55  # of sessions
BACK_SOON = 0.4  # of the sessions of known visitors: within three hours of the first one, else after days
MEAN_DAYS_AWAY = 5
ENGAGED = 0.58
KEY_EVENTS = 0.045  # of sessions have one

CHANNELS = {
    "Organic Search": 38,
    "Direct": 25,
    "Referral": 12,
    "Organic Social": 9,
    "Paid Search": 8,
    "Email": 6,
    "Organic Video": 2,
}
UNASSIGNED = "Unassigned"
LATE_ATTRIBUTION = 0.15  # of sessions are Unassigned at first
ATTRIBUTED_WITHIN = 48 * 3600
DEVICES = {"desktop": 68, "mobile": 29, "tablet": 3}
COUNTRIES = {"France": 52, "Belgium": 11, "Germany": 9, "Switzerland": 8, "United States": 8, "Canada": 7, "Japan": 5}
VIEWS = {1: 42, 2: 22, 3: 14, 4: 9, 6: 7, 9: 4, 15: 2}
# Hours from a session's start until it is processed -> of how many in 100. Most sessions start 4 to 15 hours before
# their day ends, so that at its end 64 % are known, and 89, 95 and 100 % one, two and three days later.
DELAYS = {(0, 4): 48, (4, 10): 22, (10, 34): 20, (34, 58): 5, (58, 72): 5}

# Ids hold the hour of the first session, so that they don't depend on other hours.
IDS_AN_HOUR = 100_000
HOURS_AT_HAND = 9 * 24  # as many days as reports have at hand


class Session(NamedTuple):
    """A session; its instants are seconds since 1970."""

    started_at: float
    processed_at: float
    attributed_at: float
    channel: str
    device: str
    country: str
    visitor: int
    is_new: bool
    is_engaged: bool
    views: int
    key_events: int


@lru_cache(maxsize=4096)
def session_count(hour: int) -> int:
    """Return how many sessions start in an hour."""
    mean = SESSIONS_AN_HOUR * (load(hour) + AT_NIGHT)
    return max(0, round(draw("session_count", hour).gauss(mean, math.sqrt(mean))))


def newcomers(hour: int) -> int:
    """Return how many of them are somebody's first: the first ones of the hour's ids."""
    return round(NEW_VISITORS * session_count(hour))


@lru_cache(maxsize=HOURS_AT_HAND)
def sessions(hour: int) -> tuple[Session, ...]:
    """Return the sessions that start in an hour, those of new visitors first."""
    rng = draw("sessions", hour)
    number, new = session_count(hour), newcomers(hour)
    starts = [3600 * (hour + rng.random()) for _ in range(number)]
    columns = (
        starts,
        [start + 3600 * rng.uniform(*hours) for start, hours in zip(starts, choose(rng, DELAYS, number), strict=True)],
        [start + attribution_delay(rng) for start in starts],
        choose(rng, CHANNELS, number),
        choose(rng, DEVICES, number),
        choose(rng, COUNTRIES, number),
        [hour * IDS_AN_HOUR + n if n < new else known_visitor(rng, hour) for n in range(number)],
        [n < new for n in range(number)],
        [rng.random() < ENGAGED for _ in range(number)],
        choose(rng, VIEWS, number),
        [int(rng.random() < KEY_EVENTS) for _ in range(number)],
    )
    return tuple(map(Session, *columns))


def choose(rng: Random, weights: dict, number: int) -> list:
    """Draw a number of keys by weight."""
    return rng.choices(tuple(weights), tuple(weights.values()), k=number)


def attribution_delay(rng: Random) -> float:
    """Draw how many seconds after its start a session gets its channel."""
    return rng.random() * ATTRIBUTED_WITHIN if rng.random() < LATE_ATTRIBUTION else 0


def known_visitor(rng: Random, hour: int) -> int:
    """Draw who comes back: a visitor who was new shortly before, or at the same time of an earlier day."""
    is_soon = rng.random() < BACK_SOON
    hours_away = rng.randint(1, 3) if is_soon else 24 * (1 + int(rng.expovariate(1 / MEAN_DAYS_AWAY)))
    first_hour = hour - hours_away
    return first_hour * IDS_AN_HOUR + int(rng.random() * newcomers(first_hour))
