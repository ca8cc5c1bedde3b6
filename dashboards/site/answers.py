"""What the warehouse answers to a panel: its SQL, macros expanded, with the rights and settings that Grafana has."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboards.macros import expand
from dashboards.panels import Variable
from ingest import reads
from roles.readers import GRAFANA_READER
from roles.reading import reading as reading_as
from roles.role import Role

# The days that a page can show; its charts hold the most.
RANGES = (7, 30, 90)
MOST = RANGES[-1]


@dataclass(frozen=True)
class Answer:
    """The columns of a statement, and its rows by column."""

    columns: tuple[str, ...]
    rows: list[dict]


class Reader:
    """Asks as the reader, each statement once: panels that ask the same get the same answer."""

    def __init__(self, connection, until: dt.datetime, choices: Mapping[str, tuple[str, ...]] | None = None):
        """Ask over a connection, of the days up to an instant, with the values that are chosen of each variable."""
        self.until = until
        self._connection, self._choices, self._known = connection, choices or {}, {}

    def choosing(self, variables: Sequence[Variable], value: str) -> "Reader":
        """Return a reader for whom a value of the first variable is chosen, and all values of those after it."""
        chosen = Reader(self._connection, self.until, {variables[0].name: (value,)})
        for variable in variables[1:]:
            values = tuple(row["__value"] for row in chosen.ask(variable.sql).rows)
            chosen = Reader(self._connection, self.until, {**chosen._choices, variable.name: values})
        return chosen

    def ask(self, sql: str, days: int = MOST) -> Answer:
        """Return the answer to a panel's SQL, looking at the last `days`."""
        statement = expand(sql, self.until - dt.timedelta(days=days), self.until, self._choices)
        if statement not in self._known:
            self._known[statement] = self._run(statement)
        return self._known[statement]

    def _run(self, statement: str) -> Answer:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            columns = tuple(column.name for column in cursor.description)
            return Answer(columns, [dict(zip(columns, map(_plain, row), strict=True)) for row in cursor.fetchall()])


def _plain(value: Any) -> Any:
    """Return a value of PostgreSQL's numeric as a float, and all others as they are."""
    return float(value) if isinstance(value, Decimal) else value


@contextmanager
def reading(role: Role = GRAFANA_READER) -> Iterator[Reader]:
    """Give a reader of the warehouse as it is now, with the rights of a role where it is there.

    Raises SetupError where the warehouse does not let us in.
    """
    with reading_as(role, is_required=False) as connection:
        yield Reader(connection, reads.now(connection))
