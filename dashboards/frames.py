"""Whether Grafana can draw what a statement answers: its rules for making frames of rows, and this project's own.

Time series become one field a label: rows ascend by time, no time is null, and of two rows with one time and one label
the last would win silently. A timestamp without a zone would be taken for UTC, a date in a table for midnight in UTC.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dashboards.panels import OVER_TIME, STATES, VALUES, Panel

# By the number of the type (pg_type); any other arrives as text, or not at all.
TIME, DATE, TIME_WITHOUT_ZONE = 1184, 1082, 1114
NUMBERS = {20: "bigint", 21: "smallint", 23: "integer", 700: "float4", 701: "float8", 1700: "numeric"}
TEXTS = {16: "boolean", 25: "text", 1043: "varchar"}
# What a screen can show, and a browser can bear.
MOST_ROWS = 5000


@dataclass(frozen=True)
class Frame:
    """What a statement answered: the names and types of its columns, and its rows."""

    columns: tuple[tuple[str, int], ...]
    rows: Sequence[tuple]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _ in self.columns]

    def column(self, name: str) -> list:
        """Return the values of a column."""
        at = self.names.index(name)
        return [row[at] for row in self.rows]


def problems_of_panel(panel: Panel, frame: Frame, start: dt.datetime, end: dt.datetime) -> Iterator[str]:
    """Give what is wrong with a panel's answer for a time range, a line each."""
    yield from _problems_of_types(frame)
    yield from _problems_of_size(frame)
    if panel.kind in (*OVER_TIME, "stat"):
        yield from _problems_of_series(panel, frame, start, end)
    else:
        yield from SHAPES[panel.kind](frame)


def problems_of_annotation(frame: Frame) -> Iterator[str]:
    """Give what is wrong with the answer of an annotation."""
    yield from _problems_of_types(frame)
    yield from _missing(frame, "time", "text", "tags")


def problems_of_variable(frame: Frame) -> Iterator[str]:
    """Give what is wrong with the values of a variable."""
    yield from _missing(frame, "__text", "__value")
    if not frame.rows:
        yield "a choice without a value"


def problems_of_alert(frame: Frame) -> Iterator[str]:
    """Give what is wrong with the answer of an alert rule, which Grafana asks as a time series."""
    yield from _problems_of_types(frame)
    yield from _problems_of_time(frame)
    yield from _problems_of_labels(frame, [name for name, type in frame.columns if type in TEXTS])
    if not any(type in NUMBERS for _, type in frame.columns):
        yield "no column holds numbers"


def _problems_of_types(frame: Frame) -> Iterator[str]:
    for name, type in frame.columns:
        if type == TIME_WITHOUT_ZONE:
            yield f"column {name} is a timestamp without a zone, which would be taken for UTC: make it a timestamptz"
        elif type == DATE:
            yield f"column {name} is a date, which would be taken for midnight in UTC: cast it to text"
        elif type not in NUMBERS and type not in TEXTS and type != TIME:
            yield f"column {name} has a type that Grafana does not know: cast it to text or to a number"
    if len(set(frame.names)) < len(frame.names):
        yield "two columns have one name"


def _problems_of_size(frame: Frame) -> Iterator[str]:
    if len(frame.rows) > MOST_ROWS:
        yield f"{len(frame.rows):,} rows, more than {MOST_ROWS:,}: show days, or fewer of them"


def _problems_of_series(panel: Panel, frame: Frame, start: dt.datetime, end: dt.datetime) -> Iterator[str]:
    yield from _problems_of_time(frame)
    labels = [name for name, has in (("series", panel.has_series), ("day", panel.has_day)) if has]
    allowed = ["value", "change", "target"] if panel.kind == "stat" else list(VALUES)
    yield from _missing(frame, "value", *labels)
    for name, type in frame.columns:
        if name in allowed and type not in NUMBERS:
            yield f"column {name} holds no numbers"
        if name not in ("time", *labels, *allowed):
            yield f"column {name} is none that a panel of kind {panel.kind} draws: {', '.join(allowed)}"
    yield from _problems_of_labels(frame, labels)
    if panel.kind in OVER_TIME and "time" in frame.names:
        times = [at for at in frame.column("time") if isinstance(at, dt.datetime) and at.tzinfo]
        outside = [at for at in times if not start <= at <= end]
        if outside:
            yield f"{len(outside)} rows are outside the time range, such as {outside[0]:%Y-%m-%d %H:%M}"


def _problems_of_time(frame: Frame) -> Iterator[str]:
    if "time" not in frame.names:
        yield "no column is named time"
        return
    times = frame.column("time")
    if None in times:
        yield "a time is null"
    elif any(later < earlier for earlier, later in pairwise(times)):
        yield "rows do not ascend by time: end with `order by time`"


def _problems_of_labels(frame: Frame, labels: list[str]) -> Iterator[str]:
    keys = [name for name in ("time", *labels) if name in frame.names]
    found = list(zip(*(frame.column(name) for name in keys), strict=True)) if keys else []
    if len(set(found)) < len(found):
        yield f"two rows have one {' and '.join(keys)}: the last would win silently"


def _missing(frame: Frame, *names: str) -> Iterator[str]:
    for name in names:
        if name not in frame.names:
            yield f"no column is named {name}"


def _problems_of_gauge(frame: Frame) -> Iterator[str]:
    yield from _missing(frame, "label", "value")
    if "label" in frame.names and len(set(frame.column("label"))) < len(frame.rows):
        yield "two bars have one label"
    if len(frame.columns) != 2:
        yield "a bar has a label and a value, and nothing else"
    if dict(frame.columns).get("value") not in NUMBERS:
        yield "column value holds no numbers"


def _problems_of_state(frame: Frame) -> Iterator[str]:
    yield from _missing(frame, "label", "state", "complete_until", "age_minutes")
    unknown = set(frame.column("state")) - set(STATES) if "state" in frame.names else set()
    if unknown:
        yield f"there is no state {', '.join(sorted(map(str, unknown)))}"


def _problems_of_cohorts(frame: Frame) -> Iterator[str]:
    numbers = [name for name in frame.names if name not in ("cohort", "users")]
    if frame.names[:2] != ["cohort", "users"] or numbers != [str(number) for number in range(len(numbers))]:
        yield "the columns of cohorts are cohort, users, 0, 1, 2 and so on"


def _problems_of_table(frame: Frame) -> Iterator[str]:
    yield from ()


SHAPES = {
    "gauge": _problems_of_gauge,
    "state": _problems_of_state,
    "cohorts": _problems_of_cohorts,
    "table": _problems_of_table,
}
