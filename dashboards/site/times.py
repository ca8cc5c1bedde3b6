"""Times as people write them, in the business time zone."""

import datetime as dt

from dashboards.panels import Grain
from ingest.hours import business_timezone

AGES = (("day", 1440), ("hour", 60), ("minute", 1))


def moment(at: dt.datetime) -> str:
    """Return an instant: Wed 25 Nov 2026, 12:05."""
    return f"{day(at)}, {at.astimezone(business_timezone()):%H:%M}"


def day(at: dt.datetime | dt.date) -> str:
    """Return the day of an instant, or a day: Wed 25 Nov 2026."""
    local = at.astimezone(business_timezone()) if isinstance(at, dt.datetime) else at
    return f"{local:%a} {local.day} {local:%b %Y}"


def short_moment(at: dt.datetime) -> str:
    """Return an instant for a table: 25 Nov 2026, 12:05."""
    return f"{short_day(at)}, {at.astimezone(business_timezone()):%H:%M}"


def short_day(at: dt.datetime | dt.date) -> str:
    """Return a day for a table: 25 Nov 2026."""
    return day(at).split(" ", 1)[1]


def short_period(at: dt.datetime, grain: Grain | None) -> str:
    """Return an hour or a day for a table."""
    return short_day(at) if grain in ("day", "week", "month") else short_moment(at)


def period(at: dt.datetime, grain: Grain | None) -> str:
    """Return the hour, day, week or month that starts at an instant."""
    local = at.astimezone(business_timezone())
    if grain == "month":
        return f"{local:%B %Y}"
    if grain == "week":
        return f"week of {local.day} {local:%b %Y}"
    return day(at) if grain == "day" else moment(at)


def age(minutes: float) -> str:
    """Return how long that is: 5 minutes, 3 hours, 2 days."""
    name, size = next((name, size) for name, size in AGES if minutes >= 2 * size or size == 1)
    count = round(minutes / size)
    return f"{count} {name}{'' if count == 1 else 's'}"
