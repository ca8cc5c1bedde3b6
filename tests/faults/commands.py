"""What a victim runs: the project's own commands, in a process that tells where it is.

A server process imports all of this once and forks a victim for each run: 0.02 s in place of the 2 to 4 s that dlt and
dbt take to import.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path

import dbt.cli.main
from dlt.pipeline.pipeline import Pipeline

import dashboards.site.__main__  # noqa: F401  a tick imports it when it comes to its site
import ingest.__main__
import tick.__main__
import tick.run
from ingest import reads
from ingest.project import ROOT
from ingest.sources.postgres import Snapshot
from ingest.sources.prometheus import client
from tick import schedule, steps
from tick.run import STEPS

TICKS = 2  # of the loop: one cold, one warm
# Method -> the phase that it is.
PHASES = {
    (reads.Reads, "_begin"): "ingest: opens its reads",
    (Snapshot, "copy"): "ingest: reads a source",
    (Pipeline, "extract"): "ingest: extract",
    (Pipeline, "normalize"): "ingest: normalise",
    (Pipeline, "load"): "ingest: load",
    (reads.Reads, "_finish"): "ingest: finishes its reads",
}


def run(command: str, arguments: tuple[str, ...], environment: dict[str, str], output: Path, notes) -> None:
    """Run a command in this process, which is a victim's own; its output goes to a file, its phases to `notes`."""
    os.environ.update(environment)
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    steps.SITE = output.with_suffix(".site")
    client.PAUSE_SECONDS = 0.001  # before Prometheus is asked again
    steps.let_the_demo_live = lambda: None  # its sources are the test's
    _tell_phases(notes)
    sys.exit(COMMANDS[command](notes, *arguments))


def _tell_phases(notes) -> None:
    def told(call: Callable, phase: str) -> Callable:
        @wraps(call)
        def tell(*arguments, **options):
            with _phase(notes, phase):
                return call(*arguments, **options)

        return tell

    for (owner, method), phase in PHASES.items():
        setattr(owner, method, told(getattr(owner, method), phase))
    for name in STEPS:
        STEPS[name] = told(STEPS[name], f"tick: {name}")
    dbt.cli.main.dbtRunner = _telling(notes)


class _phase:
    """A block that is a phase; several may run side by side, in threads."""

    def __init__(self, notes, phase: str, key: str = ""):
        self.notes, self.phase, self.key = notes, phase, key or str(threading.get_ident())

    def __enter__(self) -> None:
        self.notes.send_bytes(f"+\t{self.phase}\t{self.key}".encode())

    def __exit__(self, *exception) -> None:
        self.notes.send_bytes(f"-\t{self.phase}\t{self.key}".encode())


def _ingest(_, *arguments: str) -> int:
    return ingest.__main__.main(list(arguments))


def _dbt(_, *arguments: str) -> int:
    result = dbt.cli.main.dbtRunner().invoke([*arguments, "--project-dir", str(ROOT)])
    if result.exception:
        print(result.exception)
    return 0 if result.success else 1


def _telling(notes) -> Callable:
    """Return what makes a dbtRunner that tells of its nodes."""
    parsing = _phase(notes, "dbt: starts and parses")

    def tell(event) -> None:
        if event.info.name == "MainReportVersion":
            parsing.__enter__()
        if event.info.name == "NodeStart":
            parsing.__exit__()
            _node(notes, event).__enter__()
        if event.info.name == "NodeFinished":
            _node(notes, event).__exit__()

    return partial(dbt.cli.main.dbtRunner, callbacks=[tell])


def _node(notes, event) -> _phase:
    node = event.data.node_info
    kind = node.node_name if node.materialized == "incremental" else f"a {node.materialized}"
    return _phase(notes, f"dbt: {kind}", node.unique_id)


def _tick(_, *arguments: str) -> int:
    return tick.__main__.main(list(arguments))


def _loop(notes) -> int:
    """The warm loop, in which an hour passes at once; it ends after some ticks."""
    numbers = iter(range(1, TICKS + 1))

    def run(*arguments):
        number = next(numbers)
        with _phase(notes, f"loop: tick {number}"):
            ended = tick.run.run(*arguments)
        if number == TICKS:
            os.kill(os.getpid(), signal.SIGTERM)
        return ended

    schedule.run, schedule._wait_until = run, lambda due, stop: stop.is_set()
    return schedule.main([])


COMMANDS = {"ingest": _ingest, "dbt": _dbt, "tick": _tick, "loop": _loop}
