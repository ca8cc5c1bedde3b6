"""The company as a pure function of SEED, its birth, and an instant.

Every row has a *life*: the instants at which it becomes visible, changes and vanishes, with what it says from then
on. All is drawn from random numbers seeded with the hour or the row that it belongs to, never from the wall clock,
so the state at an instant does not depend on when, or in how many steps, one asks for it.

Hours are whole hours since 1970-01-01 00:00 UTC; so are births.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import count
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

SEED = "apercite"
PARIS = ZoneInfo("Europe/Paris")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NEVER = datetime(9000, 1, 1, tzinfo=timezone.utc)  # not datetime.max: things are added to it

Row = tuple
Life = tuple[tuple[datetime, Row | None], ...]

# Means of the first week. With growth and campaign, 90 days hold 10,000 users and 300,000 events.
SIGN_UPS_A_DAY = 98
EVENTS_A_DAY = 3070
GROWTH_A_WEEK = 1.015

# By Paris hour, relative to each other; at these weights most hours from 2:00 to 5:00 have no event.
HOURS_OF_DAY = (6, 1, 0.2, 0.1, 0.2, 1, 8, 25, 55, 85, 95, 92, 65, 70, 90, 92, 88, 75, 50, 35, 28, 22, 16, 10)
DAYS_OF_WEEK = (1.15, 1.2, 1.2, 1.2, 1.1, 0.6, 0.55)

CAMPAIGN_DAY = 35  # the campaign runs for the first Paris week that starts this many days after birth
CAMPAIGN_SIGN_UPS = 1.8
OUTAGE_DAY = 70
OUTAGE_HOURS = 5  # from 10:00 Paris time: an outage at night would not be seen

# Ids hold their hour, so that they don't depend on the rows of other hours: up to 100,000 rows an hour.
IDS_AN_HOUR = 100_000
IDS_A_USER = 10


class User(NamedTuple):
    """A row of `apercite_account_user`; all of it is made up."""

    id: int
    email: str
    first_name: str
    last_name: str
    password: str
    is_active: bool
    created_at: datetime
    last_login_ip: str | None


class UserProfile(NamedTuple):
    """A row of `apercite_account_userprofile`."""

    id: int
    user_id: int
    company: str
    created_at: datetime


class ApiKey(NamedTuple):
    """A row of `apercite_account_apikey`."""

    id: int
    user_id: int
    key: str
    created_at: datetime


class Event(NamedTuple):
    """A row of `event`; `recorded_at` is when it was first committed, `attributes` is JSON text."""

    id: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    user_id: int | None
    duration_ms: int | None
    attributes: str


class Spider(NamedTuple):
    """A row of `spider`; its name is `value`."""

    id: int
    value: str
    created_at: datetime


class SpiderStatus(NamedTuple):
    """A row of `spider_status`; `attributes` is JSON text: the list of the spider's workers, but for odd ones."""

    id: int
    spider_id: int
    attributes: str
    created_at: datetime


def state(life: Life, instant: datetime) -> Row | None:
    """Return the row as it is at an instant, None while it isn't there."""
    for since, row in reversed(life):
        if since <= instant:
            return row
    return None


def changes(lives: Iterable[Life], since: datetime, until: datetime) -> Iterator[tuple[Row | None, Row | None]]:
    """Yield (before, after) of each row that is not the same at `until` as at `since`; None is no row."""
    for life in lives:
        before, after = state(life, since), state(life, until)
        if before != after:
            yield before, after


# --- Time ---


def hour_of(instant: datetime) -> int:
    """Return the hour that holds an aware instant."""
    return int(instant.timestamp() // 3600)


def instant_of(hour: int) -> datetime:
    """Return the instant, in UTC, at which an hour starts."""
    return EPOCH + timedelta(hours=hour)


def paris_hour(day: date, hour: int) -> int:
    """Return the hour that starts at `hour`:00 Paris time of a day."""
    return hour_of(datetime.combine(day, time(hour), PARIS))


def birthday(birth: int) -> date:
    """Return the Paris day of a birth."""
    return instant_of(birth).astimezone(PARIS).date()


@lru_cache
def campaign(birth: int) -> range:
    """Return the hours of the campaign week, Monday to Sunday in Paris."""
    earliest = birthday(birth) + timedelta(days=CAMPAIGN_DAY)
    monday = earliest + timedelta(days=-earliest.weekday() % 7)
    return range(paris_hour(monday, 0), paris_hour(monday + timedelta(days=7), 0))


@lru_cache
def outage(birth: int) -> range:
    """Return the hours in which no event happened."""
    start = paris_hour(birthday(birth) + timedelta(days=OUTAGE_DAY), 10)
    return range(start, start + OUTAGE_HOURS)


def rhythm(birth: int, hour: int) -> float:
    """Return an hour's share of a mean day of the first week: time of day, day of the week and growth."""
    local = instant_of(hour).astimezone(PARIS)
    share_of_day = HOURS_OF_DAY[local.hour] / sum(HOURS_OF_DAY)
    growth = GROWTH_A_WEEK ** ((hour - birth) / 168)
    return share_of_day * DAYS_OF_WEEK[local.weekday()] * growth


def arrivals(rng: Random, hour: int, mean: float) -> Iterator[datetime]:
    """Yield the instants, in order, of a Poisson process with `mean` arrivals in the hour."""
    elapsed = rng.expovariate(1)
    while elapsed < mean:
        yield EPOCH + timedelta(hours=hour + elapsed / mean)
        elapsed += rng.expovariate(1)


# --- Users ---

WEBSITE_COMMIT = timedelta(seconds=2)  # the website's rows become visible this long after their created_at
# The latest change of a user's rows: the first key after 35 days, a second and a third 10 days later each.
USER_CHANGES_WITHIN = timedelta(days=60)

FIRST_NAMES = ("Zoë", "Jean-Noël", "Łukasz", "Anaïs", "Sinéad", "Mehmet", "李", "Olga", "D'Arcy", "Ada")
LAST_NAMES = ("O'Brien", "Lefèvre", "Müller", "Nguyễn", "d'Aubigné", "Smith", "Иванова", "García", "")
COMPANIES = ("Ateliers Rivière", 'Studio "Le Zinc"', "Smith & Sons", "日本網", "", "A\tB GmbH", "C:\\web")


class SignUp(NamedTuple):
    """What happens to a user, and when; their events end at `active_until`, at the latest when deleted."""

    id: int
    created_at: datetime
    profile_at: datetime
    key_instants: tuple[datetime, ...]
    active_until: datetime
    deleted_at: datetime
    plan: str


@lru_cache(maxsize=1024)  # days, of about 40 kB in the first months
def sign_ups(birth: int, day: int) -> tuple[SignUp, ...]:
    """Return who signed up in the 24 hours that start `day` times 24 hours after birth, in order."""
    start = birth + 24 * day
    return tuple(user for hour in range(start, start + 24) for user in hourly_sign_ups(birth, hour))


def hourly_sign_ups(birth: int, hour: int) -> Iterator[SignUp]:
    """Yield who signed up in an hour, in order."""
    rng = Random(f"{SEED}:sign_ups:{hour}")
    mean = SIGN_UPS_A_DAY * rhythm(birth, hour) * (CAMPAIGN_SIGN_UPS if hour in campaign(birth) else 1)
    for number, created_at in enumerate(arrivals(rng, hour, mean)):
        yield sign_up(rng, hour * IDS_AN_HOUR + number, created_at)


def sign_up(rng: Random, user_id: int, created_at: datetime) -> SignUp:
    """Draw what happens to a user who signed up at an instant."""
    deleted_at = created_at + timedelta(days=rng.uniform(2, 42)) if rng.random() < 0.04 else NEVER
    stays = rng.random() < 0.55
    return SignUp(
        id=user_id,
        created_at=created_at,
        profile_at=created_at + hours_until_profile(rng) if rng.random() < 0.85 else NEVER,
        key_instants=tuple(key_instants(rng, created_at)) if rng.random() < 0.35 else (),
        active_until=deleted_at if stays else min(deleted_at, created_at + days_active(rng)),
        deleted_at=deleted_at,
        plan="pro" if rng.random() < 0.15 else "free",
    )


def hours_until_profile(rng: Random) -> timedelta:
    """Draw how long a user takes to fill in the profile: 1.5 hours in the mean, at most 12."""
    return timedelta(hours=min(rng.expovariate(1 / 1.5), 12))


def days_active(rng: Random) -> timedelta:
    """Draw how long a user who does not stay comes back: 6 days in the mean."""
    return timedelta(days=rng.expovariate(1 / 6))


def key_instants(rng: Random, created_at: datetime) -> Iterator[datetime]:
    """Yield when a user makes API keys: 75 % the first within a day, some after a week or a month."""
    earliest, latest = rng.choices(((0, 1), (5, 9), (25, 35)), (75, 15, 10))[0]
    made_at = created_at + timedelta(days=rng.uniform(earliest, latest))
    yield made_at
    for _ in range(rng.choices((0, 1, 2), (75, 20, 5))[0]):
        made_at += timedelta(days=rng.uniform(0, 10))
        yield made_at


def changing_users(birth: int, since: datetime, until: datetime) -> Iterator[SignUp]:
    """Yield every user with rows that can change in (since, until]."""
    first_hour = max(birth, hour_of(since - USER_CHANGES_WITHIN))
    for day in range((first_hour - birth) // 24, (hour_of(until) - birth) // 24 + 1):
        yield from sign_ups(birth, day)


def user_lives(birth: int, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the lives of at least the `User` rows that change in (since, until]."""
    for user in changing_users(birth, since, until):
        yield website_life(person(user), user)


def profile_lives(birth: int, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the lives of at least the `UserProfile` rows that change in (since, until]."""
    for user in changing_users(birth, since, until):
        if user.profile_at + WEBSITE_COMMIT < user.deleted_at:
            company = Random(f"{SEED}:company:{user.id}").choice(COMPANIES)
            yield website_life(UserProfile(user.id * IDS_A_USER, user.id, company, user.profile_at), user)


def key_lives(birth: int, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the lives of at least the `ApiKey` rows that change in (since, until]."""
    for user in changing_users(birth, since, until):
        for number, made_at in enumerate(user.key_instants):
            if made_at + WEBSITE_COMMIT < user.deleted_at:
                key_id = user.id * IDS_A_USER + number
                key = f"{Random(f'{SEED}:key:{key_id}').getrandbits(128):032x}"
                yield website_life(ApiKey(key_id, user.id, key, made_at), user)


def website_life(row: User | UserProfile | ApiKey, user: SignUp) -> Life:
    """Return the life of a row of a user: it goes when the user does."""
    return (row.created_at + WEBSITE_COMMIT, row), (user.deleted_at, None)


def person(user: SignUp) -> User:
    """Return a user's row, with made-up personal data: reserved domains and addresses (RFC 2606, 5737)."""
    rng = Random(f"{SEED}:person:{user.id}")
    return User(
        id=user.id,
        email=f"user.{user.id}@example.{rng.choice(('com', 'net', 'org'))}",
        first_name=rng.choice(FIRST_NAMES),
        last_name=rng.choice(LAST_NAMES),
        password=f"pbkdf2_sha256$600000${rng.getrandbits(256):064x}",
        is_active=rng.random() < 0.98,
        created_at=user.created_at,
        last_login_ip=address(rng) if rng.random() < 0.9 else None,
    )


def address(rng: Random) -> str:
    """Draw an IP address, one of those reserved for documentation."""
    return f"203.0.113.{rng.getrandbits(8)}"


# --- Events ---

# What becomes of an event after it happened, and of how many in 10,000.
FATES = {"plain": 9928, "late": 2, "corrected": 50, "moved": 10, "removed": 10}

COMMITTED_WITHIN = timedelta(hours=6)  # all but late events; moved ones an hour later
EVENT_CHANGES_WITHIN = timedelta(days=4)  # 7 hours, and 3 days until restated; or 2 days where late

# Of 100 events; a crawl that fails is a crawl.failed.
KINDS = {"crawl.finished": 48, "thumbnail.rendered": 20, "api.call": 24, "login": 5, "website.added": 3}
# Median (ms) and spread (standard deviation of the logarithm); the other kinds have no duration.
DURATIONS = {
    "crawl.finished": (1800, 0.8),
    "crawl.failed": (8000, 0.7),
    "thumbnail.rendered": (600, 0.6),
    "api.call": (60, 0.9),
}
FAILURES = 0.05
FAILURES_AROUND_OUTAGE = 0.25  # from a day before its middle to a day after
TITLES = ("Accueil", "", None, 'Café "Le Zinc"', "L'été\nà Paris", "日本語 🕷", "C:\\tmp\t{x}", "a, b; c")


class Happening(NamedTuple):
    """What happens, and when: `kind` is a key of KINDS, `fate` one of FATES."""

    id: int
    occurred_at: datetime
    kind: str
    fate: str


def event_lives(birth: int, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the lives of at least the `Event` rows that change in (since, until].

    Of 10,000 events 9,928 don't change once committed, so older hours cost next to nothing.
    """
    first_hour = max(birth, hour_of(since - EVENT_CHANGES_WITHIN))
    all_from = hour_of(since - COMMITTED_WITHIN)
    for hour in range(first_hour, hour_of(until) + 1):
        yield from hourly_event_lives(birth, hour, with_plain=hour >= all_from)


def hourly_event_lives(birth: int, hour: int, with_plain: bool) -> Iterator[Life]:
    """Yield the lives of an hour's events, or only of those whose fate is not plain."""
    # Two sequences, so that leaving the plain ones out does not change the rest; one an event would be slow.
    plain, eventful = Random(f"{SEED}:plain:{hour}"), Random(f"{SEED}:eventful:{hour}")
    for happening in happenings(birth, hour):
        if happening.fate != "plain":
            yield event_life(eventful, birth, happening)
        elif with_plain:
            yield event_life(plain, birth, happening)


def happenings(birth: int, hour: int) -> Iterator[Happening]:
    """Yield what happens in an hour, in order."""
    if hour in outage(birth):
        return
    rng = Random(f"{SEED}:events:{hour}")
    instants = list(arrivals(rng, hour, EVENTS_A_DAY * rhythm(birth, hour)))
    kinds, fates = draw(rng, KINDS, len(instants)), draw(rng, FATES, len(instants))
    yield from map(Happening, count(hour * IDS_AN_HOUR), instants, kinds, fates)


def draw(rng: Random, weights: dict[str, int], number: int) -> list[str]:
    """Draw a number of keys by weight."""
    return rng.choices(tuple(weights), tuple(weights.values()), k=number)


def event_life(rng: Random, birth: int, happening: Happening) -> Life:
    """Return the life of an event, from its commit to its restatement or removal."""
    occurred_at, fate = happening.occurred_at, happening.fate
    moved_at = neighbouring(rng, birth, occurred_at) if fate == "moved" else occurred_at
    # A moved event has a user who is there in both of its hours, and is recorded after both.
    first, last = min(occurred_at, moved_at), max(occurred_at, moved_at)
    recorded_at = last + commit_delay(rng, fate)
    row = event(rng, birth, happening, recorded_at, find_user(rng, birth, first, last))
    if fate in ("plain", "late"):
        return ((recorded_at, row),)
    restated_at = recorded_at + timedelta(hours=rng.uniform(1, 72))
    return (recorded_at, row), (restated_at, restated(rng, row, fate, moved_at))


def commit_delay(rng: Random, fate: str) -> timedelta:
    """Draw how long an event takes to be committed: a day or two where late, else 1 minute to 6 hours.

    Of those, half take at most 5 minutes, and 3.5 % over an hour.
    """
    if fate == "late":
        return timedelta(days=rng.uniform(1, 2))
    return min(timedelta(minutes=1 + rng.weibullvariate(8, 0.6)), COMMITTED_WITHIN)


def restated(rng: Random, row: Event, fate: str, moved_at: datetime) -> Event | None:
    """Return what an event becomes: moved, corrected (another duration or kind) or, None, removed."""
    if fate == "removed":
        return None
    if fate == "moved":
        return row._replace(occurred_at=moved_at)
    if row.duration_ms is None or rng.random() < 0.5:
        return row._replace(kind=rng.choice([kind for kind in KINDS if kind != row.kind]))
    return row._replace(duration_ms=int(row.duration_ms * rng.uniform(0.2, 3)))


def neighbouring(rng: Random, birth: int, occurred_at: datetime) -> datetime:
    """Draw the same minute of the hour before or after, neither before birth nor in the outage."""
    hour, shift = hour_of(occurred_at), rng.choice((-1, 1))
    if hour + shift < birth or hour + shift in outage(birth):
        shift = -shift
    return occurred_at + timedelta(hours=shift)


def find_user(rng: Random, birth: int, first: datetime, last: datetime) -> SignUp | None:
    """Draw a user who is active from `first` to `last`; None for 8 % of events, and in the first hours.

    Half of the events are of fresh users (3 days old in the mean) and half of older ones (60 days), so that
    activity fades with age, as it does everywhere.
    """
    if rng.random() < 0.08:
        return None
    age = hour_of(first) - birth
    for _ in range(20):
        mean_days = 3 if rng.random() < 0.5 else 60
        day = math.floor(age / 24 - rng.expovariate(1 / mean_days))
        users = sign_ups(birth, day) if day >= 0 else ()
        user = users[int(rng.random() * len(users))] if users else None
        if user and user.created_at <= first and last < user.active_until:
            return user
    return None


def event(rng: Random, birth: int, happening: Happening, recorded_at: datetime, user: SignUp | None) -> Event:
    """Return an event's row as first committed."""
    can_fail = happening.kind in ("crawl.finished", "api.call")
    failed = can_fail and rng.random() < failures(birth, hour_of(happening.occurred_at))
    kind = "crawl.failed" if failed and happening.kind == "crawl.finished" else happening.kind
    status = rng.choice((404, 500, 502, 504)) if failed else 200
    attributes = (("plan", user.plan if user else None), ("status", status), ("ip", address(rng)))
    if kind in ("thumbnail.rendered", "website.added"):
        attributes += (("title", rng.choice(TITLES)),)
    return Event(
        id=happening.id,
        kind=kind,
        occurred_at=happening.occurred_at,
        recorded_at=recorded_at,
        user_id=user.id if user else None,
        duration_ms=duration(rng, kind),
        attributes=to_json(attributes),
    )


@lru_cache(maxsize=50_000)  # without: 0.7 s of a first fill
def to_json(items: tuple[tuple[str, str | int | None], ...]) -> str:
    """Return keys and values as the text of a JSON object."""
    return json.dumps(dict(items), ensure_ascii=False)


def failures(birth: int, hour: int) -> float:
    """Return the share of crawls and API calls that fail in an hour."""
    middle = outage(birth).start + OUTAGE_HOURS // 2
    return FAILURES_AROUND_OUTAGE if abs(hour - middle) <= 24 else FAILURES


def duration(rng: Random, kind: str) -> int | None:
    """Draw how long (ms) an event took: log-normal; 5 % unknown, 1 in 2,000 is 0, 1 in 5,000 takes hours."""
    luck = rng.random()
    if kind not in DURATIONS or luck < 0.05:
        return None
    if luck > 0.9995:
        return 0
    if luck > 0.9993:
        return int(timedelta(hours=rng.uniform(1, 12)) / timedelta(milliseconds=1))
    median, sigma = DURATIONS[kind]
    return int(median * math.exp(rng.gauss(0, sigma)))


# --- Spiders ---

# Name -> workers. By id: the number of the name.
SPIDERS = {"arachne": 8, "charlotte": 5, "shelob": 3}
REPORT_EVERY = timedelta(minutes=10)
REPORT_COMMIT = timedelta(seconds=2)
# A spider that has lost the network sends what it had to say up to this long after.
REPORTS_HELD_BACK = timedelta(hours=2)
HELD_BACK = 0.01  # of reports
SILENT_DAY, SILENT_SPIDER, SILENT_HOURS = 80, "charlotte", 30
MEAN_BUSY, MOST_BUSY = 0.3, 0.95  # share of workers that have a stage: as busy as the company is
STAGES = ("fetch", "render", "store")
# What a spider with a bug sends now and then; 1 in 2,000 reports.
ODD_ATTRIBUTES = ("null", "{}", '{"error": "no workers"}', '["worker-1", {"stage": "fetch"}]', '"restarting"')
ODD = 0.0005


@lru_cache
def silence(birth: int) -> range:
    """Return the hours in which one of the spiders said nothing."""
    start = paris_hour(birthday(birth) + timedelta(days=SILENT_DAY), 16)
    return range(start, start + SILENT_HOURS)


def spider_lives(birth: int, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the lives of all `Spider` rows: there from birth on, for ever."""
    created_at = instant_of(birth)
    for spider_id, name in enumerate(SPIDERS, start=1):
        yield ((created_at + WEBSITE_COMMIT, Spider(spider_id, name, created_at)),)


def status_lives(birth: int, since: datetime, until: datetime) -> Iterator[Life]:
    """Yield the lives of at least the `SpiderStatus` rows that appear in (since, until]; they never change."""
    first_hour = max(birth, hour_of(since - REPORTS_HELD_BACK - REPORT_COMMIT))
    for hour in range(first_hour, hour_of(until) + 1):
        for spider_id, name in enumerate(SPIDERS, start=1):
            if name != SILENT_SPIDER or hour not in silence(birth):
                yield from hourly_status_lives(birth, hour, spider_id, SPIDERS[name])


def hourly_status_lives(birth: int, hour: int, spider_id: int, workers: int) -> Iterator[Life]:
    """Yield the lives of what a spider reports in an hour."""
    rng = Random(f"{SEED}:spider:{spider_id}:{hour}")
    share = 0 if hour in outage(birth) else min(MEAN_BUSY * 24 * rhythm(birth, hour), MOST_BUSY)
    first = instant_of(hour) + spider_id * timedelta(seconds=37)
    for number in range(timedelta(hours=1) // REPORT_EVERY):
        created_at = first + number * REPORT_EVERY
        id_ = hour * IDS_AN_HOUR + 1000 * spider_id + number
        row = SpiderStatus(id_, spider_id, spider_attributes(rng, workers, share), created_at)
        held_back = rng.random() * REPORTS_HELD_BACK if rng.random() < HELD_BACK else timedelta(0)
        yield ((created_at + REPORT_COMMIT + held_back, row),)


def spider_attributes(rng: Random, workers: int, share: float) -> str:
    """Return what a report says, as JSON: its workers, of which about a share is busy; sometimes something odd."""
    if rng.random() < ODD:
        return rng.choice(ODD_ATTRIBUTES)
    busy = [rng.random() < share for _ in range(workers)]
    return json.dumps([worker(rng, number, is_busy) for number, is_busy in enumerate(busy)])


def worker(rng: Random, number: int, is_busy: bool) -> dict:
    """Return a worker; an idle one has no stage, or an empty one. The address must never be read."""
    found = {"worker": number, "ip": address(rng)}
    if is_busy:
        return found | {"stage": rng.choice(STAGES)}
    return found | rng.choice(({}, {"stage": None}, {"stage": ""}))
