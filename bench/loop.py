"""A warm loop of ticks in a process of its own: python -m bench.loop ticks for each line of steps that it reads."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.warehouse import BenchError, Warehouse
from tick.run import STEPS, run
from tick.steps import Options

DONE = "ticked "


class Loop:
    """The process, warm: what it imports and parses it has."""

    def __init__(self, process: subprocess.Popen):
        """Talk to a process."""
        self._process = process

    def tick(self, *steps: str) -> None:
        """Tick once, all steps if none is named. Raises BenchError where a step but freshness fails."""
        self._process.stdin.write(" ".join(steps) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(DONE):
                if line.strip() != DONE.strip():
                    raise BenchError(line)
                return
        raise BenchError("the loop of ticks ended")


@contextmanager
def loop(company: Warehouse) -> Iterator[Loop]:
    """Start a loop on a warehouse; it writes its site into the warehouse's folder."""
    with company.talking("bench.loop", SITE_FOLDER=str(company.folder / "site")) as process:
        yield Loop(process)


def main() -> None:
    """Tick for each line that comes in, and say what failed."""
    from tick import steps

    steps.let_the_demo_live = lambda: None  # a source is not the tick's cost
    for line in sys.stdin:
        ended = run(line.split() or list(STEPS), Options())
        failed = [part for part in ended.line.split("; ") if " failed" in part or part.startswith("build: dbt")]
        print(f"{DONE}{'; '.join(failed)}", flush=True)


if __name__ == "__main__":
    main()
