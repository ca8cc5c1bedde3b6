"""Google Analytics that restates at will: reports by day and by hour, whose rows and whole days change and vanish."""

import datetime as dt
from collections.abc import Iterator

from ingest import load
from ingest.hours import ceil_midnight, floor_hour, midnight
from ingest.reads import Period, Reading, Reads
from ingest.sources.google_analytics.tables import DAY_TABLE, HOUR_TABLE
from tests.property.revisions import day_of
from tests.property.revisions import midnight as start_of
from tests.property.world import HOUR, START, Streams

LOOKBACK = 24 * HOUR
CHANNELS, USERS, HOURS = (f"google_analytics.{report}" for report in ("channels", "users", "hours"))
METRICS = {
    CHANNELS: ("website.sessions", "website.channel_active_users"),
    USERS: ("website.active_users",),
    HOURS: ("website.hourly_sessions",),
}
# What a report left that was renamed.
LEFT = ("google_analytics.old", "website.sessions", "Direct")
Key = tuple[str, str, str, dt.date | dt.datetime]  # stream, metric, channel, day or hour


class GoogleAnalytics(Streams):
    """Two reports by day and one by hour; a fourth was renamed, and its rows of then are nobody's."""

    name, streams, tables = "google_analytics", tuple(METRICS), (HOUR_TABLE, DAY_TABLE)

    def prepare(self) -> None:
        """No value, nothing of any read, and what the renamed report left."""
        super().prepare()
        self.values: dict[Key, tuple] = {}  # -> value, is_estimated
        left = [self._row((*LEFT, day_of(START + hours * HOUR)), (99.0, False)) for hours in (0, 24, 48)]
        self.held[DAY_TABLE.name] = left
        self._insert(f"raw.{DAY_TABLE.name}", left)

    def change(self) -> None:
        """Restate some of few values; at times a row goes, at times all of a report's day or hour."""
        for _ in range(self.random.randrange(6)):
            at = self._moment()
            for stream, metrics in METRICS.items():
                channel = self.random.choice(("Direct", "(other)")) if stream == CHANNELS else ""
                for metric in metrics:
                    key = (stream, metric, channel, floor_hour(at) if stream == HOURS else day_of(at))
                    self.seen["values that were restated"] += key in self.values
                    self.values[key] = (self.random.choice((0.0, 0.1, 1e15 / 3, 7.0)), self.random.random() < 0.2)
        if self.values and self.random.random() < 0.3:
            del self.values[self.random.choice(list(self.values))]
            self.seen["values that vanished"] += 1
        if self.values and self.random.random() < 0.2:
            stream, *_, day = self.random.choice(list(self.values))
            self.values = {key: value for key, value in self.values.items() if (key[0], key[3]) != (stream, day)}
            self.seen["days that vanished"] += stream != HOURS

    def _periods(self, reads: Reads, stream: str) -> list[Period]:
        """Return whole days, up to now: of a range, or of what is due."""
        if self.is_mortal and self.random.random() < 0.4:
            start = START + self.random.randrange(68) * HOUR
            found = [Period(start, start + self.random.choice((1, 30)) * HOUR)]
        else:
            first = midnight(START)
            found = [*reads.unread(stream, first), *reads.recent(stream, first, LOOKBACK)]
        found += reads.open_periods(stream)
        return [
            Period(midnight(period.start), ceil_midnight(period.end)) for period in found if period.start < self.now
        ]

    def _load_all(self, readings: dict[str, Reading]) -> Iterator[None]:
        def is_read(stream: str, at: dt.date | dt.datetime) -> bool:
            periods = readings[stream].periods if stream in readings else []
            return any(period.start <= _instant(at) < period.end for period in periods)

        for table, replaces in (
            (HOUR_TABLE, load.within_own_open_reads(self.name, "hour_at")),
            (DAY_TABLE, load.within_own_open_days(self.name, "date_day")),
        ):
            rows = [
                self._row(key, value)
                for key, value in self.values.items()
                if (key[0] == HOURS) == (table is HOUR_TABLE) and is_read(key[0], key[3])
            ]
            if all(reading.is_first for reading in readings.values()):
                self._insert(f"raw.{table.name}", rows)
            else:
                self._replace(table.name, rows, replaces)
            kept = [row for row in self.held[table.name] if not is_read(row[0], row[3])]
            self.held[table.name] = kept + rows
            yield
            self._may_die("between two tables", 0.1)

    def _row(self, key: Key, value: tuple) -> tuple:
        stream, metric, channel, at = key
        return (stream, metric, f'{{"channel": "{channel}"}}' if channel else "{}", at, *value)

    def law(self) -> None:
        """Raw is what each day's latest read saw, and the last read found what was restated within the lookback."""
        self._raw_is_held()
        since = midnight(self.now - LOOKBACK)
        there = [self._row(*each) for each in self.values.items() if since <= _instant(each[0][3]) < self.now]
        held = [row for rows in self.held.values() for row in rows if row[0] in self.streams]
        recent = [row for row in held if since <= _instant(row[3])]
        assert sorted(recent, key=repr) == sorted(there, key=repr), "law: what is late within the lookback is found"


def _instant(at: dt.date | dt.datetime) -> dt.datetime:
    return at if isinstance(at, dt.datetime) else start_of(at)
