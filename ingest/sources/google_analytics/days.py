"""Days of the property: which of them a time holds, and which instants stand for one in raw.reads.

An hour report's days are those of the property's zone, which have 23 to 25 hours. A day report's numbers are of dates,
and the date of the property stands for the business day of that name.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ingest.errors import SettingError
from ingest.hours import HOUR, business_timezone, floor_hour, origin
from ingest.reads import Period

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
# What Google writes into `date` or `dateHour` -> whose row it is, and whether it is so only nearly.
Times = dict[str, tuple[dt.date | dt.datetime, bool]]


@dataclass(frozen=True)
class Days:
    """The days of one grain: the zone at whose midnights they begin, and until when there is something to read."""

    zone: ZoneInfo
    end: dt.datetime

    @classmethod
    def of_hours(cls, property_zone: ZoneInfo, now: dt.datetime) -> "Days":
        """Return the days of an hour report: an hour is read when it is over."""
        return cls(property_zone, floor_hour(now))

    @classmethod
    def of_dates(cls, property_zone: ZoneInfo, now: dt.datetime) -> "Days":
        """Return the days of a day report: the open one is read as far as the property's clock has got in it."""
        shown = now.astimezone(property_zone).replace(tzinfo=business_timezone())
        return cls(business_timezone(), min(shown.astimezone(UTC), now))

    def start(self, date: dt.date) -> dt.datetime:
        """Return the instant at which a day begins."""
        return midnight(date, self.zone)

    def period(self, date: dt.date) -> Period:
        """Return what there is to read of a day: it ends before it starts where that is nothing."""
        return Period(self.start(date), min(self.start(date + DAY), self.end))

    def dates(self, periods: Iterable[Period]) -> list[dt.date]:
        """Return the days that periods touch, in order, of which there is something to read."""
        found = {date for period in periods for date in self._touched(period)}
        return sorted(date for date in found if self.start(date) < self.end)

    def date(self, at: dt.datetime) -> dt.date:
        """Return the day in which an instant lies."""
        return at.astimezone(self.zone).date()

    def first(self, at: dt.datetime) -> dt.date:
        """Return the first day that does not begin before an instant."""
        date = self.date(at)
        return date if self.start(date) >= at else date + DAY

    def _touched(self, period: Period) -> list[dt.date]:
        first, last = self.date(period.start), self.date(period.end - dt.timedelta.resolution)
        return [first + number * DAY for number in range((last - first).days + 1)]


def midnight(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the instant at which a date begins in a zone, in UTC."""
    return dt.datetime.combine(date, dt.time(), zone).astimezone(UTC)


def times_of_day(date: dt.date, property_zone: ZoneInfo) -> Times:
    """Return the one label of a date: only nearly the business day's where that begins or ends at other instants."""
    differs = any(midnight(each, property_zone) != midnight(each, business_timezone()) for each in (date, date + DAY))
    return {f"{date:%Y%m%d}": (date, differs)}


def times_of_hours(date: dt.date, property_zone: ZoneInfo) -> Times:
    """Return the labels of a date's hours.

    When clocks go back, Google writes two hours under one label: their sum stands at the first, and nearly so.
    """
    times: Times = {}
    at, end = midnight(date, property_zone), midnight(date + DAY, property_zone)
    while at < end:
        label = f"{at.astimezone(property_zone):%Y%m%d%H}"
        times[label] = (times[label][0], True) if label in times else (at, False)
        at += HOUR
    return times


def check_hours(dates: Iterable[dt.date], property_zone: ZoneInfo) -> None:
    """Raise SettingError where the property's hours do not start when the business zone's do."""
    for date in dates:
        for at in (midnight(date, property_zone), midnight(date + DAY, property_zone)):
            if floor_hour(at) != at:
                raise SettingError(
                    f'grain = "hour": the hours of the property ({property_zone.key}) start at :{at:%M} UTC, those of '
                    f"the business_timezone {business_timezone().key} at :{origin():%M}; read it by day "
                    '(grain = "day"), or set a business_timezone with the same minutes'
                )
