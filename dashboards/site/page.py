"""The pages of a static copy: what stands on each, for the templates, which escape every text."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

from dashboards.panels import OVER_TIME, STATES, Dashboard, Panel, Unit
from dashboards.site import numbers, pictures, times
from dashboards.site.answers import MOST, RANGES, Answer, Reader
from dashboards.site.charts import chart
from dashboards.site.render import as_json, render, scripts, uplot
from ingest.hours import business_timezone

SCRIPTS = (
    "numbers.js",
    "times.js",
    "colours.js",
    "unpack.js",
    "reading.js",
    "key.js",
    "axes.js",
    "layers.js",
    "marks.js",
    "chart.js",
    "page.js",
)
TILES_ON_THE_INDEX = 3


@dataclass(frozen=True)
class Copy:
    """One static copy: whose numbers, as of when, its pages, and whether the clock is held still."""

    company: str
    until: dt.datetime
    dashboards: tuple[Dashboard, ...]
    is_held: bool = False


@dataclass(frozen=True)
class Part:
    """What a panel shows of the last `days`; of any time where that is None."""

    days: int | None
    is_shown: bool
    shown: Any


@dataclass(frozen=True)
class View:
    """A panel with what its template shows."""

    panel: Panel
    chart: dict | None = None
    summary: str = ""
    parts: tuple[Part, ...] = ()
    numbers: dict | None = None


def dashboard_pages(copy: Copy, dashboard: Dashboard, reader: Reader) -> dict[str, str]:
    """Return the pages of a dashboard by the name of their file: one for each value of its first variable."""
    if not dashboard.variables:
        return {f"{dashboard.slug}.html": _dashboard_page(copy, dashboard, reader)}
    choices = _choices(dashboard, reader)
    readers = [reader.choosing(dashboard.variables, choice["value"]) for choice in choices]
    return {
        choice["file"]: _dashboard_page(copy, dashboard, each, choices, choice)
        for choice, each in zip(choices, readers, strict=True)
    }


def _choices(dashboard: Dashboard, reader: Reader) -> list[dict]:
    """Return the values of the first variable, and the page of each; of none where there is no variable."""
    rows = [row for variable in dashboard.variables[:1] for row in reader.ask(variable.sql).rows]
    files = [_file(dashboard, row["__value"] if at else None) for at, row in enumerate(rows)]
    return [
        {"text": row["__text"], "value": row["__value"], "file": file} for row, file in zip(rows, files, strict=True)
    ]


def _file(dashboard: Dashboard, value: str | None) -> str:
    """Return the name of a page; the first value's is the dashboard's own."""
    return f"{dashboard.slug}{'' if value is None else '--' + re.sub('[^A-Za-z0-9._-]', '-', value)}.html"


def _dashboard_page(
    copy: Copy,
    dashboard: Dashboard,
    reader: Reader,
    choices: Sequence[dict] = (),
    chosen: dict | None = None,
) -> str:
    opens_with = min(RANGES, key=lambda days: abs(days - dashboard.default_days))
    unit = _unit(reader) if chosen and dashboard.variables[0].name == "metric" else None
    views = [_view(_in_unit(panel, unit), reader, opens_with) for panel in dashboard.panels]
    notes = _notes(dashboard, reader)
    data = {
        "zone": business_timezone().key,
        "until": int(copy.until.timestamp()),
        "notes": notes,
        "charts": {view.panel.id: view.chart for view in views if view.chart},
    }
    return render(
        "dashboard.html",
        **_shared(copy),
        dashboard=dashboard,
        views=views,
        variable=dashboard.variables[0] if chosen else None,
        choices=choices,
        chosen=chosen,
        ranges=RANGES if any(view.chart or len(view.parts) > 1 for view in views) else (),
        opens_with=opens_with,
        states=_states(dashboard, reader),
        happened=[note for note in notes if note["letter"]],
        restated=next((note for note in reversed(notes) if not note["letter"]), None),
        data=as_json(data),
        uplot=uplot(),
        script=scripts(*SCRIPTS),
    )


def index_page(copy: Copy, reader: Reader) -> str:
    """Return the page that leads to all others, each with its first tiles."""
    cards = [
        {
            "dashboard": dashboard,
            "tiles": _first_tiles(dashboard, reader),
            "states": _states(dashboard, reader),
            "choices": len(_choices(dashboard, reader)),
        }
        for dashboard in copy.dashboards
    ]
    return render("index.html", **_shared(copy), dashboard=None, cards=cards, script=scripts("page.js"))


def _shared(copy: Copy) -> dict:
    """Return what stands on each page."""
    return {
        "company": copy.company,
        "as_of": times.moment(copy.until),
        "is_held": copy.is_held,
        "zone": business_timezone().key,
        "dashboards": copy.dashboards,
    }


def _first_tiles(dashboard: Dashboard, reader: Reader) -> list[dict]:
    stats = [panel for panel in dashboard.panels if panel.kind == "stat"][:TILES_ON_THE_INDEX]
    shown = [(panel, pictures.picture(panel, reader.ask(panel.sql))) for panel in stats]
    return [{"title": panel.title, "text": tile["text"], "when": tile["when"]} for panel, tile in shown if tile]


def _unit(reader: Reader) -> Unit:
    """Return how the values of the chosen metric are written: where Grafana can't know, a page can."""
    rows = reader.ask("select unit from marts.mart_metrics where metric = ${metric:sqlstring}").rows
    return numbers.UNITS.get(rows[0]["unit"], "count")


def _in_unit(panel: Panel, unit: Unit | None) -> Panel:
    return replace(panel, unit=unit) if unit and panel.kind in OVER_TIME else panel


def _view(panel: Panel, reader: Reader, opens_with: int) -> View:
    if panel.kind in OVER_TIME:
        drawn = chart(panel, reader.ask(panel.sql))
        return View(panel, chart=drawn, summary=_summary(panel, drawn)) if drawn else View(panel, parts=NOTHING)
    asked = RANGES if panel.grain not in ("week", "month") else (MOST,)
    answers = {days: reader.ask(panel.sql, days) for days in asked}
    if len({id(answer) for answer in answers.values()}) == 1:
        answers = {None: answers[MOST]}
    parts = tuple(
        Part(days, days in (None, opens_with), pictures.picture(panel, each)) for days, each in answers.items()
    )
    return View(panel, parts=parts, numbers=_numbers(panel, answers.get(None)))


def _numbers(panel: Panel, answer: Answer | None) -> dict | None:
    """Return the table behind a tile, its newest row first, or behind bars."""
    if answer is None or not answer.rows or panel.kind not in ("stat", "gauge"):
        return None
    return pictures.table(panel, _newest_first(answer) if panel.kind == "stat" else answer)


def _newest_first(answer: Answer) -> Answer:
    """Return the rows of a tile for its table, without the day that is the newest row's in each."""
    columns = [name for name in answer.columns if name != "day"]
    return replace(answer, columns=columns, rows=answer.rows[::-1])


NOTHING = (Part(None, True, None),)


def _summary(panel: Panel, drawn: dict) -> str:
    """Return what a chart shows for those who don't see it."""
    texts = [panel.title]
    for series in drawn["series"]:
        values = [value for value in series["value"] if value is not None]
        if values:
            said = [f"{word} {numbers.short(value, panel.unit)}" for word, value in _said(values)]
            texts.append(f"{series['name'] or ''} {', '.join(said)}".strip())
    return "; ".join(texts) + ". Arrow keys read one value after the other; the table Numbers has them all."


def _said(values: list[float]) -> tuple[tuple[str, float], ...]:
    return ("last", values[-1]), ("lowest", min(values)), ("highest", max(values))


def _notes(dashboard: Dashboard, reader: Reader) -> list[dict]:
    """Return what is written on charts, oldest first: what happened has a letter; `panels` None is all of them."""
    rows = [{**row, "panels": each.panels} for each in dashboard.annotations for row in reader.ask(each.sql).rows]
    letters = iter(ascii_uppercase)
    return [
        {
            "at": int(row["time"].timestamp()),
            "letter": None if row["tags"] == "restated" else next(letters, "*"),
            "text": row["text"],
            "when": times.short_day(row["time"]),
            "panels": row["panels"],
        }
        for row in sorted(rows, key=lambda row: row["time"])
    ]


def _states(dashboard: Dashboard, reader: Reader) -> dict | None:
    """Return how fresh the sources behind a dashboard are, in a line."""
    panel = next((panel for panel in dashboard.panels if panel.kind == "state"), None)
    if panel is None:
        return None
    late = [row for row in reader.ask(panel.sql).rows if STATES[row["state"]] in ("warning", "bad")]
    text = ", ".join(f"{row['label']} {row['state']}" for row in late) or "All sources fresh"
    return {"panel": panel.id, "is_fresh": not late, "text": text}
