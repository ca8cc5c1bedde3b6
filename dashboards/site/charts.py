"""What a browser draws of a panel over time: its rows in short, so that 90 days of hours fit a page."""

import math
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from dashboards.panels import Panel, Unit
from dashboards.site.answers import Answer

SECONDS = {"hour": 3600, "day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400}
LABELLED = re.compile(r"(?P<metric>[^{]+)\{(?P<key>[^=,]+)=(?P<value>[^,]+)\}")  # a series with one label
PIXELS = 29  # of a canvas, for a row of the grid
SHOWN = ("value", "open", "before", "target")


def chart(panel: Panel, answer: Answer) -> dict | None:
    """Return a panel's times and series for `assets/chart.js`; None where it has no row.

    A time that lacks a row holds null, and so is a gap. Values have the digits that are ever shown, and no more.
    """
    if not answer.rows:
        return None
    times = list(_times(panel, sorted({int(row["time"].timestamp()) for row in answer.rows})))
    names = sorted({row.get("series") for row in answer.rows}, key=_natural)
    shown = short_names(names)
    place = {time: at for at, time in enumerate(times)}
    series = {name: {column: [None] * len(times) for column in answer.columns} for name in names}
    for row in answer.rows:
        for column, value in row.items():
            series[row.get("series")][column][place[int(row["time"].timestamp())]] = value
    return {
        "kind": panel.kind,
        "unit": panel.unit,
        "step": _shortest(times, panel),
        "gap": panel.step,
        "height": panel.height * PIXELS,
        "times": _packed(times) if panel.grain == "hour" else times,
        "series": [_series(shown[name], columns, panel.unit) for name, columns in series.items()],
        "estimated": _runs(_any(columns.get("estimated") for columns in series.values())),
    }


def _series(name: str | None, columns: dict[str, list], unit: Unit) -> dict:
    """Return one series; the columns that say something only."""
    given = {column: [digits(value, unit) for value in columns[column]] for column in columns if column in SHOWN}
    found = {"name": name, "value": given.get("value") or given["open"]}
    if any(value is not None for value in given.get("open", ())):
        found["open"] = [[at, value] for at, value in enumerate(given["open"]) if value is not None]
    if any(value is not None for value in given.get("before", ())):
        found["before"] = given["before"]
    if any(value is not None for value in given.get("target", ())):
        found["target"] = _runs(given["target"])
    return found


def digits(value: float | None, unit: Unit) -> float | int | None:
    """Return a value with the digits that `numbers.long` shows; of a share with more, or its line would have steps."""
    if value is None or not math.isfinite(value):
        return None
    if unit == "share":
        rounded = round(value, 6)
    elif unit == "count":
        rounded = round(value, 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0)
    else:
        rounded = float(f"{value:.4g}")
    return int(rounded) if rounded == int(rounded) else rounded


def _times(panel: Panel, times: list[int]) -> Iterator[int]:
    """Give the times, and one in the place of each period that is missing between two of them."""
    for time, following in zip(times, [*times[1:], times[-1]], strict=True):
        at = time
        yield at
        while following - at > panel.step:
            at += SECONDS[panel.grain]
            yield at


def _shortest(times: list[int], panel: Panel) -> int:
    """Return how long one value is for: of days, weeks and months in one panel, a day."""
    nearest = min((after - time for time, after in pairwise(times)), default=SECONDS[panel.grain])
    return min(SECONDS.values(), key=lambda seconds: abs(seconds - nearest))


def _packed(times: list[int]) -> dict:
    return {"start": times[0], "step": SECONDS["hour"], "count": len(times)}


def _runs(values: list) -> list[list]:
    """Return [from, to, value] of each run of equal values that are not null; `to` is not in it."""
    runs: list[list] = []
    for at, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][1] == at and runs[-1][2] == value:
            runs[-1][1] = at + 1
        else:
            runs.append([at, at + 1, value])
    return runs


def _any(lists: Iterable[list | None]) -> list:
    """Return True at each place where one of the lists has a value, else null."""
    places = zip(*filter(None, lists), strict=True)
    return [True if any(value is not None for value in values) else None for values in places]


def short_names(names: list[str | None]) -> dict[str | None, str | None]:
    """Return what a key calls each series: of `objects.count{object=apikeys}` and its like `apikeys`."""
    found = [LABELLED.fullmatch(name or "") for name in names]
    if len(names) < 2 or not all(found) or len({(match["metric"], match["key"]) for match in found}) > 1:
        return {name: name for name in names}
    return {match[0]: match["value"] for match in found}


def _natural(name: str | None) -> list:
    """Return what sorts `within 7 days` before `within 30 days`."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name or "")]
