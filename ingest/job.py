"""What a source is given to do its work, and what it gives back."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.errors import SetupError, SourceError
from ingest.load import CsvFile, Rows, load
from ingest.reads import Period, Reading, Reads
from ingest.warehouse import Target

# An answer with fewer than half of what raw holds wipes a period; below this many rows halves are chance.
GUARDED_ROWS = 100


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    period: Period | None = None  # --from --to
    reconcile: bool = False
    accept_loss: bool = False


@dataclass(frozen=True)
class Visit:
    """What it takes to ask one source something."""

    source: str
    company: str
    warehouse: Target
    now: dt.datetime  # the clock of this run
    say: Callable[[str], None]  # the step that is being done, for the progress bar


@dataclass(frozen=True)
class Job(Visit):
    """One source's work in one run."""

    reads: Reads
    options: Options
    folder: Path  # for files; goes with the run

    def guard(self, reading: Reading, what: str, files: list[CsvFile], table: str, condition: str) -> None:
        """Raise SourceError, naming what was read, where an answer holds fewer than half of the rows that raw holds.

        `condition` says which rows of the raw table the answer replaces, with %s for the period's bounds.
        """
        if reading.is_first or self.options.accept_loss:
            return
        held = sum(self.reads.count(table, condition, period) for period in reading.periods)
        found = sum(file.row_count for file in files)
        if held >= GUARDED_ROWS and found * 2 < held:
            raise SourceError(
                f"{what}: the source answered {found:,} rows where the warehouse holds {held:,} for "
                f"{reading.periods[0].start:%Y-%m-%d %H:%M} to {reading.periods[-1].end:%Y-%m-%d %H:%M} UTC; "
                "nothing was changed. If they are gone for good: "
                f"python -m ingest {self.source} --accept-loss"
            )

    def load(self, loads: list[Rows]) -> None:
        """Load files into raw tables; raises SourceError where the warehouse refuses."""
        self.say(f"loading {sum(rows.row_count for rows in loads):,} rows")
        load(self.source, loads, self.warehouse, self.reads.connection, self.folder / "dlt")
        self.reads.byte_count += sum(file.path.stat().st_size for rows in loads for file in rows.files)


@dataclass(frozen=True)
class Finding:
    """What a check found of one thing that a source reads, or why it can't be read."""

    what: str
    found: str
    is_fine: bool = True

    @classmethod
    def of(cls, what: str, ask: Callable[[], str]) -> "Finding":
        """Ask, and return the answer or the error with its cure: the next thing is tried all the same."""
        try:
            return cls(what, ask())
        except (SourceError, SetupError) as error:
            return cls(what, str(error), is_fine=False)


@dataclass(frozen=True)
class Result:
    """What a source has read: rows, and hours touched by stream."""

    row_count: int
    hours: int
    notes: list[str] = field(default_factory=list)  # what people should know of a read that went well

    @classmethod
    def of(cls, readings: dict[str, Reading], notes: Iterable[str] = ()) -> "Result":
        """Add up readings: rows of all, hours of the one that touched most."""
        return cls(
            row_count=sum(reading.row_count for reading in readings.values()),
            hours=max((reading.hours for reading in readings.values()), default=0),
            notes=list(notes),
        )
