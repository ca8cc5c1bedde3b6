"""What a dashboard is made of: panels, variables and annotations as data.

Grafana's JSON, the static site, the checks and dbt's exposures are all made from these. A panel's SQL is what Grafana
runs, macros included ($__timeFilter(time), $__timeFrom(), $__timeTo()), as the role grafana_reader. It answers with the
columns that its kind names, so that every reader draws the same:

    line, bars, stacked   time first, ascending, never null; `series` (text) where there are several; then of
                          VALUES those that it has. What was not measured has no row: a gap, never a zero.
    stat                  time, value; then `change`, `target` where it has them. The newest row is the tile,
                          all of them are its sparkline. Closed periods only. `day` (text) is the day of the newest
                          row, again in each: where tiles stand side by side that are of other days, Grafana says it.
    gauge                 label (text), value: one bar a row, in the order of the rows.
    state                 label, state (text, one of STATES), complete_until (timestamptz), age_minutes.
    cohorts               cohort (timestamptz, its local midnight), users, then one share a column, named by its number:
                          the period after the cohort's. Null is too young, or not measured.
    table                 any columns, named as people read them; days as text, since Grafana takes a date for
                          midnight in UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["stat", "line", "bars", "stacked", "gauge", "state", "cohorts", "table"]
Unit = Literal["count", "share", "milliseconds", "seconds", "minutes", "bytes"]
Grain = Literal["hour", "day", "week", "month"]

# The numeric columns of a panel over time, and what they are.
VALUES: Mapping[str, str] = MappingProxyType(
    {
        "value": "closed hours or days: a solid line, or bars",
        "open": "the hour or day that may still grow: dashed, or paler bars",
        "estimated": "values worked out later from what was left, again: a point on each",
        "before": "the week before, drawn at the time of this one: thin and dashed",
        "target": "what it should be: a line across",
    }
)
OVER_TIME = ("line", "bars", "stacked")
# How good a state is; each is also written out, so nothing is told by colour alone.
STATES: Mapping[str, Literal["good", "warning", "bad", "none"]] = MappingProxyType(
    {"fresh": "good", "late": "warning", "failed": "bad", "never read": "bad", "off": "none"}
)
# Columns of a dashboard's grid.
GRID = 24
# The longest distance of two neighbours in seconds; more is a gap. A day has up to 25 hours.
STEPS: Mapping[Grain, int] = MappingProxyType(
    {"hour": 3600, "day": 25 * 3600, "week": (7 * 24 + 1) * 3600, "month": (31 * 24 + 1) * 3600}
)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture, and the question that it answers.

    `id` stays for ever, within its dashboard: alerts and links hold on to it. `title` says what is counted,
    `description` what is in it and what is not. `unit` is of the values (of the columns named in `units`, theirs; of
    those named in `in_unit`, what the row's own column `unit` says: a page can write it so, Grafana can't). `direction`
    is whether up or down is good. `thresholds` are (from which value on, good, warning or bad), the first from None.
    `has_series` where a panel over time has several, `has_day` where a stat has `day`.
    `restated` is the condition under which a row of mart_restated is of a value that is drawn here; it is marked.
    `follows_range` is False for what is told as of now, whatever time is looked at.
    """

    id: int
    title: str
    question: str
    description: str
    kind: Kind
    sql: str
    unit: Unit = "count"
    units: Mapping[str, Unit] = field(default_factory=dict)
    in_unit: tuple[str, ...] = ()
    grain: Grain | None = None
    has_series: bool = False
    has_day: bool = False
    restated: str = ""
    direction: Literal["up", "down"] | None = None
    thresholds: tuple[tuple[float | None, Literal["good", "warning", "bad"]], ...] = ()
    follows_range: bool = True
    width: int = 12
    height: int = 8

    @property
    def step(self) -> int | None:
        """The longest distance of two neighbours in seconds; more between them is a gap."""
        return STEPS[self.grain] if self.grain else None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice on top of a dashboard. Its SQL gives `__text` and `__value`; panels use it as ${name:sqlstring}.

    A later variable's SQL may use an earlier one. With `include_all` the choice All stands for every value.
    """

    name: str
    label: str
    sql: str
    multi: bool = False
    include_all: bool = False


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What is written on panels over time: on those with the ids `panels`, or on all (None).

    Its SQL gives `time`, `text` and `tags`.
    """

    name: str
    sql: str
    panels: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One page. `uid` stays for ever: links and alerts hold on to it.

    `sources` are those whose numbers stand on it; its panel of kind state tells how fresh they are. `default_days` is
    the range that it opens with.
    """

    uid: str
    slug: str
    title: str
    question: str
    description: str
    sources: tuple[str, ...]
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    is_public: bool = False
    default_days: int = 30


@dataclass(frozen=True)
class Place:
    """Where a panel stands in the grid."""

    x: int
    y: int
    width: int
    height: int


def places(dashboard: Dashboard) -> Iterator[tuple[Panel, Place]]:
    """Give each panel with its place: from left to right, a new row where it does not fit, as high as its highest."""
    x = y = row_height = 0
    for panel in dashboard.panels:
        if x + panel.width > GRID:
            x, y, row_height = 0, y + row_height, 0
        yield panel, Place(x, y, panel.width, panel.height)
        x, row_height = x + panel.width, max(row_height, panel.height)
