"""Whether Grafana could show the dashboards: python -m dashboards.check

Runs each statement of a panel, variable, annotation and alert rule as the role grafana_reader does, for a day, a month
and a year and for one, several and all values of each variable, and looks at the answers with the eyes of Grafana. What
only a Grafana can tell, `make grafana-check` asks one.
"""

import datetime as dt
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg2

from dashboards import alerts, frames, structure
from dashboards.definitions import DASHBOARDS
from dashboards.frames import Frame
from dashboards.grafana import dashboard_json
from dashboards.macros import MacroError, expand
from dashboards.panels import Annotation, Dashboard, Panel, Variable
from ingest import reads
from ingest.errors import SetupError
from roles.reading import reading

RANGES = (1, 30, 365)
TIME_MACROS = ("$__timeFilter(", "$__timeFrom(", "$__timeTo(", "$__unixEpochFilter(")
Choice = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Statement:
    """What Grafana runs: where it stands, of what it is, and its SQL."""

    where: str
    asked: Panel | Annotation | Variable | alerts.Rule
    sql: str


class Check:
    """Runs statements with the rights of the reader, at the warehouse's time, and keeps what it found.

    `problems` is what Grafana would refuse or draw wrongly, a line each; `empty` what has no rows, which may be right;
    `runs` how many statements ran, and `slowest` the seconds and the place of the slowest.
    """

    def __init__(self, connection, now: dt.datetime):
        """Have found nothing yet."""
        self.problems: list[str] = []
        self.empty: list[str] = []
        self.runs = 0
        self.slowest = (0.0, "")
        self._connection, self._now = connection, now

    def all(self, dashboards: Sequence[Dashboard], rules: Sequence[alerts.Rule]) -> None:
        """Check dashboards and alert rules."""
        self.problems += structure.problems([dashboard_json(dashboard) for dashboard in dashboards], rules)
        for dashboard in dashboards:
            self._dashboard(dashboard)
        for rule in rules:
            self._run(Statement(f"alert {rule.title}", rule, rule.sql), {}, self._now - rule.window)

    def choices(self, dashboard: Dashboard) -> list[Choice]:
        """Return what may be chosen: each value of the first variable, with all values of those after it."""
        chosen: list[Choice] = [{}]
        for at, variable in enumerate(dashboard.variables):
            if at == 0:
                chosen = [{variable.name: (value,)} for value in self._values(dashboard, variable, {})]
            else:
                chosen = [{**one, variable.name: self._values(dashboard, variable, one)} for one in chosen]
        return chosen

    def _dashboard(self, dashboard: Dashboard) -> None:
        choices = self.choices(dashboard)
        for statement in statements(dashboard):
            if _follows_range(statement.asked) and not any(macro in statement.sql for macro in TIME_MACROS):
                self._note(f"{statement.where}: it does not follow the time range: write $__timeFilter(time)")
            for choice in choices:
                rows = self._run(statement, choice, self._now - dt.timedelta(days=dashboard.default_days))
                if rows == 0 and isinstance(statement.asked, Panel):
                    self.empty.append(" ".join([statement.where, *(f"for {values[0]}" for values in choice.values())]))
            for choice in {str(few): few for first in choices[:1] for few in _few(dashboard, first)}.values():
                for days in RANGES:
                    self._run(statement, choice, self._now - dt.timedelta(days=days))

    def _values(self, dashboard: Dashboard, variable: Variable, choice: Choice) -> tuple[str, ...]:
        statement = Statement(f"{dashboard.title}, variable {variable.name}", variable, variable.sql)
        frame = self._answer(statement, choice, self._now - dt.timedelta(days=dashboard.default_days))
        return tuple(frame.column("__value")) if frame and "__value" in frame.names else ()

    def _run(self, statement: Statement, choice: Choice, start: dt.datetime) -> int | None:
        """Run a statement and note what is wrong; returns how many rows it has, None where it can't run."""
        frame = self._answer(statement, choice, start)
        return None if frame is None else len(frame.rows)

    def _answer(self, statement: Statement, choice: Choice, start: dt.datetime) -> Frame | None:
        begun = time.monotonic()
        try:
            frame = self._fetch(expand(statement.sql, start, self._now, choice))
        except (MacroError, psycopg2.Error) as error:
            self._note(f"{statement.where}: {str(error).strip().splitlines()[0]}")
            return None
        finally:
            self._connection.rollback()
        self.runs += 1
        self.slowest = max(self.slowest, (time.monotonic() - begun, statement.where))
        for problem in _problems_of(statement.asked, frame, start, self._now):
            self._note(f"{statement.where}: {problem}")
        return frame

    def _fetch(self, sql: str) -> Frame:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            columns = tuple((column.name, column.type_code) for column in cursor.description or ())
            return Frame(columns, cursor.fetchall() if columns else [])

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def statements(dashboard: Dashboard) -> Iterator[Statement]:
    """Give what Grafana runs of a dashboard, but for the variables."""
    for panel in dashboard.panels:
        yield Statement(f"{dashboard.title}, panel {panel.id} ({panel.title})", panel, panel.sql)
    for annotation in dashboard.annotations:
        yield Statement(f"{dashboard.title}, annotation {annotation.name}", annotation, annotation.sql)


def _few(dashboard: Dashboard, every: Choice) -> Iterator[Choice]:
    """Give a choice of all values, and one and two of those of which several may be chosen."""
    several = [variable.name for variable in dashboard.variables if variable.multi]
    yield every
    for count in (1, 2):
        yield {name: values[:count] if name in several else values for name, values in every.items()}


def _follows_range(asked: Panel | Annotation) -> bool:
    return isinstance(asked, Annotation) or asked.follows_range


def _problems_of(asked, frame: Frame, start: dt.datetime, end: dt.datetime) -> Iterator[str]:
    match asked:
        case Panel():
            return frames.problems_of_panel(asked, frame, start, end)
        case Annotation():
            return frames.problems_of_annotation(frame)
        case Variable():
            return frames.problems_of_variable(frame)
        case _:
            return frames.problems_of_alert(frame)


def main() -> int:
    """Check the dashboards on the warehouse, and say what is wrong; returns the exit code."""
    try:
        with reading() as connection:
            check = Check(connection, reads.now(connection))
            check.all(DASHBOARDS, alerts.rules())
    except (SetupError, psycopg2.Error) as error:
        print(f"check: {str(error).strip()}", file=sys.stderr)
        return 2
    for line in check.empty:
        print(f"no rows: {line}")
    for line in check.problems:
        print(f"WRONG {line}")
    seconds, where = check.slowest
    print(f"{check.runs} statements, the slowest {seconds * 1000:.0f} ms: {where}")
    print("without a Grafana: how it draws them is not seen here (make grafana-check)")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
