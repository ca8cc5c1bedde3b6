"""The facts in plain Python: what they must be, by what the sources have shown and the registry says."""

import datetime as dt
import hashlib
import json
import math
from collections import Counter, defaultdict

from ingest.hours import floor_hour
from ingest.sources import events, prometheus, spiders, website
from ingest.sources.google_analytics import tables as google_analytics
from tests.property.google_analytics import GoogleAnalytics
from tests.property.revisions import HOUR, Definition, day_of, hours_of_day
from tests.property.world import MINUTE, Events, Prometheus, Spiders, Website

Cell = tuple[str, str, dt.datetime]  # metric, its label's value, hour


class Reckoning:
    """Facts as `tests.facts.STATE` shows them, from the sources, the finished reads and the registry."""

    def __init__(
        self,
        events_: Events,
        spiders_: Spiders,
        website_: Website,
        prometheus_: Prometheus,
        google_analytics_: GoogleAnalytics,
        reads: list[tuple],
        registry: dict[str, Definition],
    ):
        """Take reads as (stream, period_start, period_end, started_at)."""
        self.events, self.spiders, self.website = events_.held, spiders_.held, website_
        self.prometheus, self.google_analytics = prometheus_.held, google_analytics_.held
        self.reads, self.registry = reads, registry
        self.touched = {(stream, hour) for stream, start, end, _ in reads for hour in _hours(start, end)}

    def facts(self) -> dict[str, list[tuple]]:
        """Return the facts, sorted."""
        hourly, daily, durations = self.hourly(), self.daily(), self.durations()
        facts = {
            "series": {
                _series(metric, label) for metric, label, _ in [*self._hourly(), *self._reported(), *self._durations()]
            },
            "hourly": hourly,
            "daily": daily,
            "durations": durations,
            "activity": self.activity(),
            "coverage": self.coverage(),
        }
        return {name: sorted(rows, key=repr) for name, rows in facts.items()}

    def hourly(self) -> list[tuple]:
        """fct_metric_hourly: series_id, hour_at, metric, value, sample_count, origin, is_estimated."""
        return [
            (series_id(metric, label), hour, metric, *values)
            for (metric, label, hour), values in self._hourly().items()
        ]

    def _hourly(self) -> dict[Cell, tuple]:
        found: dict[Cell, tuple] = {}
        if self._stream("events.count") == events.STREAM:
            counted = Counter((row[1], floor_hour(row[2])) for row in self.events)
            for (type_, hour), count in counted.items():
                found["events.count", type_, hour] = (float(count), count, "observed", False)
        counted = self._by_hour("objects.count", website.COUNTS, self.website.counts.values(), 1)
        for (object_, hour), counts in counted.items():
            values = sorted((at, float(count)) for _, at, count, _ in counts)
            value = roll_up(self.registry["objects.count"].kind, [(count, 1) for _, count in values])
            origin = all(is_reconstructed for *_, is_reconstructed in counts)
            found["objects.count", object_, hour] = (value, len(counts), *_origin(origin))
        created = self._by_hour("objects.created", website.OBJECTS, self.website.listed.values(), 2)
        for (object_, hour), made in created.items():
            firsts = [
                at
                for name, at, _, is_reconstructed in self.website.counts.values()
                if name == object_ and not is_reconstructed
            ]
            is_before = bool(firsts) and hour < floor_hour(min(firsts))
            found["objects.created", object_, hour] = (float(len(made)), len(made), *_origin(is_before))
        return found | self._spiders() | self._samples() | self._reports_by_hour()

    def _spiders(self) -> dict[Cell, tuple]:
        """Return the spiders' hours: of each one's last report of the window, and the mean of all."""
        found = defaultdict(list)
        for (_, hour), reports in self._reports().items():
            by_name = defaultdict(list)
            for _, (_, active, name) in reports:
                by_name[name].append(active)
            for name, actives in by_name.items():
                found["spiders.active.mean", name, hour].append((sum(actives) / len(actives), len(actives)))
            late = [report for at, report in reports if at >= hour + 30 * MINUTE]
            if late:
                total, active, name = late[-1]
                for metric, value in (("idle", total - active), ("active", active), ("total", total)):
                    found[f"spiders.{metric}", name, hour].append((float(value), len(late)))
        return {
            cell: (sum(sorted(value for value, _ in each)), sum(count for _, count in each), "observed", False)
            for cell, each in found.items()
            if self._stream(cell[0]) == spiders.STREAM
        }

    def _reports(self) -> dict[tuple, list[tuple]]:
        """Return (spider, hour) -> what it said, in order of time, as (time, (workers, active ones, its name))."""
        largest: dict[tuple, tuple] = {}
        for spider_id, name, text, at in self.spiders:
            workers = json.loads(text or "null")
            if isinstance(workers, list) and all(isinstance(worker, dict) for worker in workers):
                active = sum(worker.get("stage", "") != "" for worker in workers)
                report = (len(workers), active, name)
                largest[spider_id, at] = max(largest.get((spider_id, at), report), report)
        by_hour = defaultdict(list)
        for (spider_id, at), report in sorted(largest.items()):
            by_hour[spider_id, floor_hour(at)].append((at, report))
        return by_hour

    def _samples(self) -> dict[Cell, tuple]:
        """Return the hours that Prometheus answered."""
        found: dict[Cell, tuple] = {}
        for stream, metric, labels, hour, value, count, is_estimated in self.prometheus[prometheus.SAMPLE_TABLE.name]:
            if self._stream(metric) == stream:
                found[metric, _label(labels), hour] = (value, count, "observed", is_estimated)
        return found

    def _reports_by_hour(self) -> dict[Cell, tuple]:
        """Return the hours that Google Analytics reported."""
        return {
            (metric, _label(labels), hour): (value, None, "observed", is_estimated)
            for stream, metric, labels, hour, value, is_estimated in self.google_analytics[
                google_analytics.HOUR_TABLE.name
            ]
            if self._stream(metric) == stream
        }

    def daily(self) -> list[tuple]:
        """fct_metric_daily: ... value, origin, hours_observed, hours_expected, is_estimated."""
        days = defaultdict(list)
        for (metric, label, hour), (value, count, _, is_estimated) in sorted(self._hourly().items()):
            if self.registry[metric].day_from == "hours":
                days[metric, label, day_of(hour)].append((value, count, is_estimated))
        return [
            (
                series_id(metric, label),
                day,
                metric,
                roll_up(self.registry[metric].kind, [hour[:2] for hour in hours]),
                "derived",
                len(hours),
                len(hours_of_day(day)),
                any(hour[2] for hour in hours),
            )
            for (metric, label, day), hours in days.items()
        ] + [
            (series_id(metric, label), day, metric, value, "reported", None, len(hours_of_day(day)), is_estimated)
            for (metric, label, day), (value, is_estimated) in self._reported().items()
        ]

    def _reported(self) -> dict[tuple[str, str, dt.date], tuple[float, bool]]:
        """Return the days that their source reports."""
        days = [
            (stream, metric, labels, day_of(at), value, False)
            for stream, metric, labels, at, value in self.prometheus[prometheus.DAY_TABLE.name]
        ] + self.google_analytics[google_analytics.DAY_TABLE.name]
        return {
            (metric, _label(labels), day): (value, is_estimated)
            for stream, metric, labels, day, value, is_estimated in days
            if self._stream(metric) == stream and self.registry[metric].day_from == "source"
        }

    def durations(self) -> list[tuple]:
        """fct_duration_hourly: series_id, hour_at, metric, count, sum, min, max, buckets, counts."""
        rows = []
        for (metric, label, hour), took in self._durations().items():
            buckets = sorted(Counter(map(bucket_of, took)).items())
            numbers, counts = [number for number, _ in buckets], [count for _, count in buckets]
            rows.append(
                (series_id(metric, label), hour, metric, len(took), sum(took), min(took), max(took), numbers, counts)
            )
        return rows

    def _durations(self) -> dict[Cell, list[int]]:
        found = defaultdict(list)
        if self._stream("events.duration") == events.STREAM:
            for _, type_, at, _, took, _ in self.events:
                if took is not None and took >= 0:
                    found["events.duration", type_, floor_hour(at)].append(took)
        return found

    def activity(self) -> list[tuple]:
        """fct_user_activity_daily: user_id, date_day, type, stream, event_count."""
        counted = Counter((user, day_of(at), type_) for _, type_, at, user, *_ in self.events if user)
        return [(*key, events.STREAM, count) for key, count in counted.items()]

    def coverage(self) -> list[tuple]:
        """fct_coverage_hourly: stream, hour_at, read_at."""
        latest: dict[tuple, dt.datetime] = {}
        for stream, start, end, started_at in self.reads:
            for hour in _hours(start, end):
                if hour + HOUR <= end:
                    latest[stream, hour] = max(latest.get((stream, hour), started_at), started_at)
        return [(*key, read_at) for key, read_at in latest.items()]

    def _by_hour(self, metric: str, stream: str, rows, time: int) -> dict[tuple[str, dt.datetime], list[tuple]]:
        """Return (object, hour) -> rows, where the metric is of this stream; `time` is the number of a column.

        A count at the first instant of an hour lies after its own read's end: that hour is built with the next.
        """
        groups = defaultdict(list)
        for row in rows if self._stream(metric) == stream else ():
            hour = floor_hour(row[time])
            if (stream, hour) in self.touched:
                groups[row[0], hour].append(row)
        return groups

    def _stream(self, metric: str) -> str | None:
        return self.registry[metric].stream if metric in self.registry else None


def roll_up(kind: str, values: list[tuple[float, int]]) -> float | None:
    """Return what values in order of time, each with its weight, are together."""
    if kind == "stock":
        return values[-1][0]
    total = 0.0  # added one by one, as PostgreSQL does; Python's sum of floats is compensated
    for value, weight in values:
        total += value if kind == "counter" else value * weight
    return total if kind == "counter" else total / sum(weight for _, weight in values)


def bucket_of(milliseconds: int) -> int:
    """Return the number of a duration's bucket."""
    return -1 if milliseconds < 1 else math.floor(math.log(milliseconds) / math.log(1.02))


def series_id(metric: str, label: str) -> int:
    """Return the id of a series with one label."""
    text = json.dumps([metric, [[key, value] for key, value in _labels(metric, label).items()]], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def _series(metric: str, label: str) -> tuple:
    labels = _labels(metric, label)
    name = ",".join(f"{key}={value}" for key, value in labels.items())
    return series_id(metric, label), metric, json.dumps(labels), metric + (f"{{{name}}}" if name else "")


def _labels(metric: str, label: str) -> dict[str, str]:
    keys = {"objects": "object", "events": "type", "spiders": "spider", "http": "status", "website": "channel"}
    return {keys[metric.partition(".")[0]]: label} if label else {}


def _label(labels: str) -> str:
    return "".join(json.loads(labels).values())


def _origin(is_reconstructed: bool) -> tuple[str, bool]:
    return ("reconstructed", True) if is_reconstructed else ("observed", False)


def _hours(start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    return [start + HOUR * number for number in range(-(-(end - start) // HOUR))]
