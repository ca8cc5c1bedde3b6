"""What Prometheus answers, as values of labels and hours: names that clash, no numbers, counters that reset."""

import datetime as dt
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from ingest.errors import SourceError
from ingest.hours import HOUR, origin
from ingest.reads import Period
from ingest.sources.prometheus.queries import QuerySettings

UTC = dt.timezone.utc
HOUR_SECONDS = 3600
Cell = tuple[str, dt.datetime]  # labels as JSON; the start of the hour or day
Values = dict[Cell, float]


def named(query: QuerySettings, series: list[dict]) -> dict[str, list[dict]]:
    """Return the kept labels, as JSON -> the series with them.

    Raises SourceError where there are more than `max_series`, or two of one name that nothing puts together.
    """
    found = defaultdict(list)
    for each in series:
        if "histograms" in each or "histogram" in each:
            raise SourceError("expr gives native histograms: write histogram_quantile() or histogram_count() around it")
        found[_labels(query, each["metric"])].append(each)
    if len(found) > query.max_series:
        raise SourceError(too_many(len(found), query))
    for same in found.values():
        if len(same) > 1 and not (query.is_exact and query.across):
            raise SourceError(_clash(query, *(each["metric"] for each in same[:2])))
    return found


def too_many(count: int, query: QuerySettings) -> str:
    """Return what is wrong with so many series, and the cure."""
    return (
        f"max_series: there are {count:,} series, and {query.max_series:,} may be read: keep fewer labels, "
        "choose fewer series in expr, or raise max_series"
    )


def at_ends(series: dict[str, list[dict]], length: dt.timedelta = HOUR) -> Values:
    """Return the values by the start of the hour, or of a time of another length, at whose end each was asked for."""
    return {
        (labels, _begin(at, length)): float(value)
        for labels, (each,) in series.items()
        for at, value in each.get("values") or [each["value"]]
    }


def check_asked(values: Values, period: Period) -> Values:
    """Return the values; raises SourceError where one is of a time that was not asked for: no read would replace it."""
    stray = next((at for _, at in values if not period.start <= at < period.end), None)
    if stray:
        raise SourceError(
            f"[sources.prometheus] url: the server answers for {stray:%Y-%m-%d %H:%M} UTC, and was asked for "
            f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC: correct what stands between"
        )
    return values


@lru_cache(maxsize=4096)  # all series of an answer share its instants
def _begin(at: float, length: dt.timedelta) -> dt.datetime:
    return dt.datetime.fromtimestamp(float(at), UTC) - length


def increments(series: dict[str, list[dict]], period: Period) -> tuple[Values, Values]:
    """Return how much counters grew in each hour of a period, by their raw samples, and how many samples there were.

    An increment belongs to the hour of its second sample; its first one may be of the hour before, and no older: so
    that an hour's value does not depend on how long a time is asked for. A fall is a reset to 0.
    """
    grown, counts = defaultdict(list), defaultdict(float)
    for labels, same in series.items():
        for each in same:
            samples = [(float(at), float(value)) for at, value in each["values"]]
            samples = [(_hour_number(at), value) for at, value in samples if math.isfinite(value)]
            for number, _ in samples:
                counts[labels, number] += 1
            for (before, old), (number, new) in itertools.pairwise(samples):
                if before >= number - 1:
                    grown[labels, number].append(new - old if new >= old else new)
    sums = {(labels, _hour_at(number)): math.fsum(parts) for (labels, number), parts in grown.items()}
    values = {cell: value for cell, value in sums.items() if period.start <= cell[1] < period.end}
    return values, {(labels, _hour_at(number)): count for (labels, number), count in counts.items()}


def finite(values: Values) -> Values:
    """Return the values that are numbers: NaN is a quantile of nothing, or 0/0, and no measurement."""
    return {cell: value for cell, value in values.items() if math.isfinite(value)}


def _hour_number(at: float) -> int:
    """Return the number of the hour that a sample ends: one on the full hour tells of the time before it."""
    return math.ceil((at - origin().timestamp()) / HOUR_SECONDS) - 1


def _hour_at(number: int) -> dt.datetime:
    return origin() + number * HOUR


def _labels(query: QuerySettings, metric: dict[str, str]) -> str:
    """Return the labels that are kept, as JSON; Prometheus takes an empty one for a missing one, and so do we."""
    kept = {label: metric[label] for label in query.labels if metric.get(label)}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def _clash(query: QuerySettings, one: dict[str, str], other: dict[str, str]) -> str:
    different = sorted(label for label in one.keys() | other.keys() if one.get(label) != other.get(label))
    apart = [f"{label} ({one.get(label)!r}, {other.get(label)!r})" for label in different if label != "__name__"]
    together = "aggregate in expr: sum by (...)" if query.is_reported else 'put them together: across = "sum"'
    return (
        f"labels: two series are both {query.metric}{_labels(query, one)}; what tells them apart is "
        f"{_list(apart) or 'their names'}: keep that in labels, or {together}"
    )


def _list(texts: Iterable[str]) -> str:
    return ", ".join(texts)
