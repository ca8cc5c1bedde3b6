"""An independent reckoning of revisions: what every transaction of a fact should have written, by its two snapshots."""

import datetime as dt
from collections import Counter
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR = dt.timedelta(hours=1)
BUSINESS = ZoneInfo("Europe/Paris")
# Fact -> the name of its grain, and the column of its periods.
GRAINS = {"fct_metric_hourly": ("hour", "hour_at"), "fct_metric_daily": ("day", "date_day")}
FOLLOWED = {"fct_metric_daily": "fct_metric_hourly"}


class Definition(NamedTuple):
    """What makes a metric's values what they are."""

    kind: str
    stream: str
    version: int
    day_from: str


class Ledger:
    """Which definition of each metric each fact has built; kept here, and not read from the warehouse."""

    def __init__(self):
        """Nothing is built."""
        self.built = {fact: {} for fact in GRAINS}

    def changed(self, fact: str, registry: dict[str, Definition]) -> set[str]:
        """Return the metrics that a fact finds new, changed or gone, once the fact that it follows has built that."""
        own, followed = self.built[fact], self.built.get(FOLLOWED.get(fact), registry)
        return {
            metric
            for metric in own | registry
            if own.get(metric) != registry.get(metric) and followed.get(metric) == registry.get(metric)
        }

    def build(self, fact: str, registry: dict[str, Definition], metrics: set[str]) -> None:
        """Note that a fact has built these metrics' definitions."""
        for metric in metrics:
            self.built[fact].pop(metric, None)
            if metric in registry:
                self.built[fact][metric] = registry[metric]


def hours_of_day(day: dt.date) -> list[dt.datetime]:
    """Return the 23, 24 or 25 hours of a business day."""
    start, end = (midnight(day + dt.timedelta(days=days)) for days in (0, 1))
    return [start + HOUR * number for number in range((end - start) // HOUR)]


def midnight(day: dt.date) -> dt.datetime:
    """Return the instant at which a business day starts."""
    return dt.datetime.combine(day, dt.time(), BUSINESS).astimezone(dt.timezone.utc)


def day_of(at: dt.datetime) -> dt.date:
    """Return the business day in which an instant lies."""
    return at.astimezone(BUSINESS).date()


class Watch:
    """A fact's transaction, watched from inside: opened at its snapshot, closed before its commit."""

    def __init__(self, ledger: Ledger, fact: str, connection):
        """Watch a fact; only those that have revisions are looked at, and coverage."""
        self.ledger, self.fact, self.connection = ledger, fact, connection
        self.is_open = False

    def open(self) -> None:
        """Note what there is before the transaction changes it."""
        self.is_open = True
        if self.fact in GRAINS:
            self.before = self._values()
            self.reads = self._rows(
                "select stream, period_start, period_end, started_at from raw.reads natural join ops.built_reads "
                "where fact = %s",
                self.fact,
            )
            registry = self._rows(
                "select metric, kind, stream, version, day_from, settle_minutes from core.metrics where kind <> 'ratio'"
            )
            self.registry = {metric: Definition(*rest[:4]) for metric, *rest in registry}
            self.settle = {metric: rest[4] * dt.timedelta(minutes=1) for metric, *rest in registry}
            self.redefined = self.ledger.changed(self.fact, self.registry)

    def close(self, seen: Counter) -> None:
        """Compare what the transaction wrote with what it should have."""
        if self.fact in GRAINS:
            expected, after = [], self._values()
            for key in self.before.keys() | after.keys():
                expected += self._revision(key, self.before.get(key), after.get(key))
            written = self._rows(
                "select series_id, period_at, metric, old_value, new_value, reason from core.fct_metric_revision "
                "where revised_at = now() and grain = %s",
                GRAINS[self.fact][0],
            )
            assert sorted(written, key=repr) == sorted(expected, key=repr), (
                f"law: a revision exactly where a complete value of {self.fact} changed"
            )
            self.ledger.build(self.fact, self.registry, self.redefined)
            for *_, reason in written:
                seen[f"revisions: {reason}"] += 1
        if self.fact == "fct_coverage_hourly":
            early = self._rows(
                "select c.stream, c.hour_at from core.fct_coverage_hourly c where not exists (select from raw.reads r "
                "natural join ops.built_reads b where b.fact = 'fct_metric_hourly' and r.stream = c.stream "
                "and r.started_at = c.read_at)"
            )
            assert not early, "law: an hour is covered only after its values are built"

    def _revision(self, key: tuple, old: tuple | None, new: tuple | None) -> list[tuple]:
        """Return the revision of a value that changed, where it was complete; else nothing."""
        (series_id, period), (metric, old_value, old_count) = key, old or (new[0], None, 0)
        _, new_value, new_count = new or (metric, None, 0)
        if old_value == new_value or not self._was_complete(metric, period):
            return []
        # A reported value has no count.
        late = "late" if old is None or (new_count or 0) > (old_count or 0) else "restated"
        reason = "definition" if metric in self.redefined else late
        at = period if isinstance(period, dt.datetime) else midnight(period)
        return [(series_id, at, metric, old_value, new_value, reason)]

    def _was_complete(self, metric: str, period: dt.date | dt.datetime) -> bool:
        """Return whether reads built before hold each hour whole and started late enough; always without a line."""
        if metric not in self.registry:
            return True
        is_hour = isinstance(period, dt.datetime)
        if not is_hour and self.registry[metric].day_from == "source":
            return self._was_whole(metric, midnight(period), midnight(period + dt.timedelta(days=1)))
        hours = [period] if is_hour else hours_of_day(period)
        return all(self._was_whole(metric, hour, hour + HOUR) for hour in hours)

    def _was_whole(self, metric: str, since: dt.datetime, until: dt.datetime) -> bool:
        """Return whether one read built before holds a time whole, and started late enough after it."""
        return any(
            stream == self.registry[metric].stream
            and start <= since
            and end >= until
            and started_at >= until + self.settle[metric]
            for stream, start, end, started_at in self.reads
        )

    def _values(self) -> dict[tuple, tuple]:
        rows = self._rows(
            f"select series_id, {GRAINS[self.fact][1]}, metric, value, sample_count from core.{self.fact}"
        )
        return {row[:2]: row[2:] for row in rows}

    def _rows(self, query: str, *parameters) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()
