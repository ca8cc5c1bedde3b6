"""What a page shows of a panel that needs no canvas: tile, bars, states, cohorts, table; as texts for the templates."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from dashboards.panels import STATES, Panel
from dashboards.site import numbers, times
from dashboards.site.answers import Answer

GOOD = {("up", True): "good", ("up", False): "bad", ("down", True): "bad", ("down", False): "good"}
NO_BREAK = "\u00a0"  # a date stays on one line, its time may go to the next
MOST_ROWS = 200  # of a table: 1,000 rows of nine columns would be 200 KB
DAY = re.compile(r"\d{4}-\d\d-\d\d")
HOW = {"none": "off", "good": "", "warning": "stale", "bad": "stale"}


def picture(panel: Panel, answer: Answer) -> Any:
    """Return what the template of a panel's kind shows; None where the panel has no row."""
    return PICTURES[panel.kind](panel, answer) if answer.rows else None


def tile(panel: Panel, answer: Answer) -> dict:
    """Return the newest value, its change and target, and all values as a sparkline."""
    last = answer.rows[-1]
    value, change, target = last["value"], last.get("change"), last.get("target")
    return {
        "value": value,
        "text": numbers.short(value, panel.unit),
        "exact": f"{value:,}",
        "when": times.period(last["time"], panel.grain),
        "change": None if change is None else numbers.change(change),
        "change_is": GOOD.get((panel.direction, change > 0), "") if change else "",
        "target": None if target is None else numbers.short(target, panel.unit),
        "target_is": "" if target is None else _against(panel, value, target),
        "spark": _spark(panel, answer),
    }


def _against(panel: Panel, value: float, target: float) -> str:
    """Return whether a value is as good as its target; to be equal is."""
    if panel.direction is None:
        return ""
    return "good" if (value >= target if panel.direction == "up" else value <= target) else "bad"


def _spark(panel: Panel, answer: Answer) -> dict | None:
    """Return the paths of a sparkline in a box of 100 by 30; a gap in time is a gap in it."""
    points = [(row["time"].timestamp(), float(row["value"])) for row in answer.rows if row["value"] is not None]
    if len(points) < 2:
        return None
    start, width = points[0][0], points[-1][0] - points[0][0]
    low, high = min(value for _, value in points), max(value for _, value in points)
    placed = [
        (time, 100 * (time - start) / width, 28 - 26 * (value - low) / ((high - low) or 1)) for time, value in points
    ]
    line, area, before = "", "", None
    for time, x, y in placed:
        is_new = before is None or (panel.step and time - before > panel.step)
        line += f"{'M' if is_new else 'L'}{x:.1f} {y:.1f}"
        before = time
    area = f"M0 30{'L'.join(['', *(f'{x:.1f} {y:.1f}' for _, x, y in placed)])}L100 30Z"
    return {"line": line, "area": area}


def gauge(panel: Panel, answer: Answer) -> list[dict]:
    """Return one bar a row; the longest is 100 %, and so is a share of 1."""
    most = 1 if panel.unit == "share" else max(float(row["value"] or 0) for row in answer.rows) or 1
    return [
        {
            "label": row["label"],
            "text": "not known yet" if row["value"] is None else numbers.short(row["value"], panel.unit),
            "percent": f"{max(0, min(100, 100 * float(row['value'] or 0) / most)):.1f}",
            "how": _how(panel, row["value"]),
        }
        for row in answer.rows
    ]


def _how(panel: Panel, value: float | None) -> str:
    """Return how good a value is by the panel's thresholds."""
    reached = [how for start, how in panel.thresholds if value is not None and (start is None or value >= start)]
    return HOW[reached[-1]] if reached else ""


def states(panel: Panel, answer: Answer) -> list[dict]:
    """Return one state a row, in words."""
    return [
        {
            "label": row["label"],
            "state": row["state"],
            "how": HOW[STATES[row["state"]]],
            "when": ", ".join(_when(row)),
        }
        for row in answer.rows
    ]


def _when(row: dict) -> list[str]:
    found = []
    if row["complete_until"] is not None:
        found.append(f"complete until {times.short_moment(row['complete_until'])}")
    if row["age_minutes"] is not None:
        found.append(f"read {times.age(row['age_minutes'])} ago" if row["age_minutes"] else "read just now")
    return found


def cohorts(panel: Panel, answer: Answer) -> dict:
    """Return one cohort a row: a cell is the deeper the higher its share is among those that can fall."""
    columns = [column for column in answer.columns if column not in ("cohort", "users")]
    can_fall = [row[column] for row in answer.rows for column in columns if column != "0" and row[column] is not None]
    most = float(max(can_fall, default=1)) or 1

    def cell(share: float | None) -> dict | None:
        if share is None:
            return None
        depth = f"{min(1, float(share) / most):.2f}"
        return {"text": f"{100 * share:.0f}{numbers.SPACE}%", "exact": numbers.percent(share), "depth": depth}

    rows = [
        {
            "cohort": times.short_day(row["cohort"]),
            "users": numbers.long(row["users"], "count"),
            "cells": [cell(row[column]) for column in columns],
        }
        for row in answer.rows
    ]
    return {"numbers": columns, "rows": rows, "grain": panel.grain}


def table(panel: Panel, answer: Answer) -> dict:
    """Return a table's columns, its first rows as texts, and how many there are in all."""
    columns = [{"name": name, "align": _align(answer, name)} for name in answer.columns]
    rows = [[_cell(panel, name, row) for name in answer.columns] for row in answer.rows[:MOST_ROWS]]
    return {"columns": columns, "rows": rows, "all": len(answer.rows)}


def _align(answer: Answer, column: str) -> str:
    """Return the class of a column: numbers stand right, times are not broken."""
    given = [row[column] for row in answer.rows if row[column] is not None]
    if given and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return "number"
    return "when" if given and all(DAY.fullmatch(str(value)) for value in given) else ""


def _cell(panel: Panel, column: str, row: dict) -> str:
    value = row[column]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return times.short_period(value, panel.grain).replace(" ", NO_BREAK, 2)
    if isinstance(value, dt.date):
        return times.short_day(value)
    if isinstance(value, int | float):
        if panel.kind == "stat" and column == "change":
            return numbers.change(value)
        own = numbers.UNITS.get(row["unit"], "count") if column in panel.in_unit else panel.unit
        return numbers.long(value, panel.units.get(column, own))
    return str(value)


PICTURES: dict[str, Callable[[Panel, Answer], Any]] = {
    "stat": tile,
    "gauge": gauge,
    "state": states,
    "cohorts": cohorts,
    "table": table,
}
