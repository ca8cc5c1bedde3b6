"""The table of faults: how often each was tried, what was lost or doubled, what the user saw."""

import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import NamedTuple

PROPERTY = "fault"
# How many kills; the other faults are tried in proportion. The short form is part of `make test`.
FAULTS = int(os.environ.get("FAULTS", "4"))
IS_LONG = FAULTS >= 100
MOST_SHOWN = 300  # characters
NOTHING = "nothing"
HEADER = "| fault | tried | rows lost | rows doubled | what the user saw |\n|---|---|---|---|---|\n"


class Fault(NamedTuple):
    """One fault and what came of it."""

    name: str
    lost: int
    doubled: int
    saw: str


def seed() -> str:
    """Return the seed of this run: FAULT_SEED, which is set for all its processes when pytest starts."""
    return os.environ["FAULT_SEED"]


def chance(kind: str, number: int) -> Random:
    """Return the chance of one trial; the same for the same seed, whatever else runs."""
    return Random(f"{seed()} {kind} {number}")


def rows(reports) -> list[str]:
    """Return the table's lines, of the faults that tests reported."""
    found = defaultdict(list)
    for report in reports:
        for name, value in report.user_properties:
            if name == PROPERTY:
                fault = Fault(*value)
                found[fault.name].append(fault)
    lines = []
    for name, faults in sorted(found.items()):
        saw = _seen(Counter(fault.saw for fault in faults))
        lost, doubled = (sum(getattr(fault, column) for fault in faults) for column in ("lost", "doubled"))
        lines.append(f"| {name} | {len(faults)} | {lost} | {doubled} | {saw} |")
    return lines


def _seen(saws: Counter[str]) -> str:
    """Return what was seen most often; where that is nothing, what was seen else."""
    (most, _), *others = saws.most_common()
    return f"{most}, or {others[0][0]}" if most == NOTHING and others else most


def write(lines: list[str], path: Path) -> None:
    """Write the table."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + "\n".join(lines) + "\n")


def what_was_wrong(printed: str) -> str:
    """Return the line that says it: ingest's, or the reason below dbt's "Database Error"."""
    lines = [re.sub(r"^\d\d:\d\d:\d\d +", "", line) for line in printed.splitlines()]
    for number, line in enumerate(lines):
        if "FAILED" in line or line.startswith(("ingest:", "tick:")):
            return line
        if "Database Error" in line and number + 1 < len(lines):
            return f"Database Error: {lines[number + 1].strip()}"
    return next((line for line in lines if "rror" in line), NOTHING)


def shown(line: str) -> str:
    """Return what the user saw as a cell: without what differs from run to run."""
    line = re.sub(r"\S+/disk\b", "TMPDIR", re.sub(r"127\.0\.0\.1(\", port |:)\d+", "...", line))
    line = re.sub(r"\s+", " ", line).replace("|", "\\|").strip()
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]} ..."
