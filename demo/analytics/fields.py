"""The dimensions and metrics of the property: their names for people, and their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from demo.analytics.visitors import Session

TYPE_INTEGER, TYPE_FLOAT = 1, 2  # of types.MetricType


class Seen(NamedTuple):
    """A session as the property shows it at the instant of asking; `label` is its dateHour."""

    session: Session
    label: str
    channel: str


class Dimension(NamedTuple):
    """A dimension; `value` is its value of a session."""

    ui_name: str
    description: str
    value: Callable[[Seen], str]


class Metric(NamedTuple):
    """A metric; `value` is its value over some sessions, of a day and the `days` - 1 before."""

    ui_name: str
    description: str
    value: Callable[[list[Session]], float]
    type: int = TYPE_INTEGER
    days: int = 1


def total(name: str) -> Callable[[list[Session]], int]:
    """Return the function that sums a field of sessions."""
    return lambda found: sum(getattr(session, name) for session in found)


def users(found: list[Session]) -> int:
    """Return how many visitors had some sessions."""
    return len({session.visitor for session in found})


def events(found: list[Session]) -> int:
    """Return how many events some sessions sent: session start, first visit, engagement, page views, key events."""
    return sum(1 + s.is_new + s.is_engaged + s.views + s.key_events for s in found)


def engagement_rate(found: list[Session]) -> float:
    """Return the share of engaged sessions."""
    return total("is_engaged")(found) / len(found) if found else 0.0


DIMENSIONS = {
    "date": Dimension("Date", "The date of the event, formatted as YYYYMMDD.", lambda seen: seen.label[:8]),
    "dateHour": Dimension("Date + hour (YYYYMMDDHH)", "The combined values of date and hour.", lambda seen: seen.label),
    "hour": Dimension("Hour", "The two-digit hour of the day.", lambda seen: seen.label[8:]),
    "sessionDefaultChannelGroup": Dimension(
        "Session default channel group", "The session's default channel group.", lambda seen: seen.channel
    ),
    "deviceCategory": Dimension("Device category", "The type of device.", lambda seen: seen.session.device),
    "country": Dimension("Country", "The country of the user.", lambda seen: seen.session.country),
    "newVsReturning": Dimension(
        "New / returning", "Whether the user is new.", lambda seen: "new" if seen.session.is_new else "returning"
    ),
}
METRICS = {
    "sessions": Metric("Sessions", "The number of sessions that began on the website.", len),
    "newUsers": Metric("New users", "The number of users who came for the first time.", total("is_new")),
    "activeUsers": Metric("Active users", "The number of distinct users.", users),
    "active7DayUsers": Metric("7-day active users", "The number of distinct users within 7 days.", users, days=7),
    "screenPageViews": Metric("Views", "The number of pages that users viewed.", total("views")),
    "keyEvents": Metric("Key events", "The count of key events.", total("key_events")),
    "eventCount": Metric("Event count", "The count of events.", events),
    "engagedSessions": Metric("Engaged sessions", "The number of engaged sessions.", total("is_engaged")),
    "engagementRate": Metric("Engagement rate", "The share of engaged sessions.", engagement_rate, TYPE_FLOAT),
}
