"""Hours and business days: the same rule here, in the macro `hour_of`, in raw's indexes and checks.

An hour is the instant at which it starts. Hours start on the whole hour of business time: at :00 UTC
nearly everywhere, at :30 UTC for India.
"""

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingest.errors import SetupError
from ingest.project import dbt_vars

HOUR = dt.timedelta(hours=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def zone(name: str) -> ZoneInfo:
    """Return the time zone of a name; raises SetupError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SetupError(f"{name!r} is no time zone; write one such as Europe/Paris") from error


@cache
def business_timezone() -> ZoneInfo:
    """Return the zone named by `vars.business_timezone`; raises SetupError where there is no such zone."""
    try:
        return zone(dbt_vars()["business_timezone"])
    except SetupError as error:
        raise SetupError(f"dbt_project.yml: business_timezone: {error}") from error


def check_zone(business: ZoneInfo, first: dt.datetime, last: dt.datetime) -> None:
    """Raise SetupError where the minutes past the hour of the business zone change between two instants.

    Lord Howe moves its clocks by half an hour: an hour of its summer would be two half hours of its winter.
    """
    days = range((last - first).days + 1)
    minutes = {_minutes(business, first + dt.timedelta(days=day)) for day in days}
    if len(minutes) > 1:
        raise SetupError(
            f"dbt_project.yml: business_timezone {business.key} changes its minutes past the hour "
            f"({', '.join(f':{m:02}' for m in sorted(minutes))}) between {first:%Y-%m-%d} and "
            f"{last:%Y-%m-%d}, so its hours can't be told apart; choose another zone, or a later start_at"
        )


@cache
def origin() -> dt.datetime:
    """Return the instant from which hours are counted: 1970-01-01 00:MM UTC, MM by the business zone."""
    this_year = dt.datetime(dt.datetime.now().year, 1, 1, tzinfo=dt.timezone.utc)
    return EPOCH + dt.timedelta(minutes=_minutes(business_timezone(), this_year))


def _minutes(business: ZoneInfo, at: dt.datetime) -> int:
    """Return at which minute of a UTC hour the hours of a zone start."""
    return -int(at.astimezone(business).utcoffset().total_seconds() // 60) % 60


def hour_of(expression: str) -> str:
    """Return the SQL for the hour in which a timestamptz lies; the text of the macro `hour_of`."""
    return f"date_bin('1 hour', {expression}, timestamptz '{origin():%Y-%m-%d %H:%M}+00')"


def day_of(expression: str) -> str:
    """Return the SQL for the business day in which a timestamptz lies; the text of the macro `day_of`."""
    return f"({expression} at time zone '{business_timezone().key}')::date"


def floor_hour(at: dt.datetime) -> dt.datetime:
    """Return the start of the hour in which an instant lies."""
    return at - (at - origin()) % HOUR


def ceil_hour(at: dt.datetime) -> dt.datetime:
    """Return the first start of an hour that is not before an instant."""
    return at + (origin() - at) % HOUR


def midnight(at: dt.datetime) -> dt.datetime:
    """Return the start of the business day in which an instant lies, in UTC."""
    local = at.astimezone(business_timezone())
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(dt.timezone.utc)


def ceil_midnight(at: dt.datetime) -> dt.datetime:
    """Return the first start of a business day that is not before an instant, in UTC."""
    start = midnight(at)
    # A day has 23 to 25 hours: 26 after its start it is the next one.
    return start if start == at else midnight(start + 26 * HOUR)
