"""python -m tick.schedule [--minute M]: a warm loop that ticks once an hour, until SIGTERM or Ctrl-C.

An hour in which the machine slept is no loss: ingest reads all that was not read. A signal ends the loop after the
tick that runs; a second one ends it at once, and the next start repeats what was cut.
"""

import argparse
import datetime as dt
import os
import signal
import sys
import threading
from contextlib import closing

from ingest import warehouse
from ingest.errors import SetupError
from ingest.project import ROOT
from tick.ended import FINE
from tick.run import STEPS, run
from tick.steps import Options

HOUR = dt.timedelta(hours=1)
MOST_SECONDS = 30
# What is read once, when a process starts: a change of it starts the loop anew.
WATCHED = (
    "*.yml",
    ".dlt/*.toml",
    "requirements.txt",
    "ingest/**/*.py",
    "tick/*.py",
    "demo/**/*.py",
    "roles/*.py",
    "dashboards/**/*.py",
    "dashboards/site/assets/*",
    "dashboards/site/templates/*",
)


def main(arguments: list[str] | None = None) -> int:
    """Tick at a minute of each hour, and at once where the last one was missed; returns 0 when told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tick.schedule", description="Tick once an hour, in one process.")
    parser.add_argument("--minute", type=int, default=5, metavar="M", help="of each hour, 0 to 59 (default 5)")
    given = parser.parse_args(arguments)
    if not 0 <= given.minute <= 59:
        parser.error("--minute is 0 to 59")
    stop = _stop_by_signal()
    before = fingerprint()
    print(f"schedule: at minute {given.minute} of each hour; Ctrl-C or SIGTERM ends it", flush=True)
    due = last_due(_now(), given.minute)
    if _ticked_since(due):
        due += HOUR
    while not _wait_until(due, stop):
        if fingerprint() != before:
            print("schedule: the project's files have changed: starting anew", flush=True)
            os.execv(sys.executable, [sys.executable, "-m", "tick.schedule", "--minute", str(given.minute)])
        ended = run(list(STEPS), Options())
        file = sys.stdout if ended.code == FINE else sys.stderr
        print(f"{_now():%Y-%m-%d %H:%M} UTC {ended.line}", flush=True, file=file)
        due = last_due(_now(), given.minute) + HOUR
    print("schedule: stopped", flush=True)
    return 0


def last_due(now: dt.datetime, minute: int) -> dt.datetime:
    """Return the latest instant at `minute` of an hour that is not after `now`."""
    due = now.replace(minute=minute, second=0, microsecond=0)
    return due if due <= now else due - HOUR


def fingerprint() -> dict[str, int]:
    """Return path -> time of change (ns) of the files that a process reads once."""
    return {str(path): path.stat().st_mtime_ns for pattern in WATCHED for path in ROOT.glob(pattern)}


def _stop_by_signal() -> threading.Event:
    stop = threading.Event()

    def end(number: int, _) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop


def _wait_until(due: dt.datetime, stop: threading.Event) -> bool:
    """Wait for an instant, or to be stopped; returns whether it was the latter."""
    while not stop.is_set() and _now() < due:
        # A machine that slept wakes up with its timers where they were.
        stop.wait(min(MOST_SECONDS, (due - _now()).total_seconds()))
    return stop.is_set()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _ticked_since(due: dt.datetime) -> bool:
    """Return whether a tick began since an instant and came to its last step."""
    try:
        with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("select to_regclass('ops.steps')")
            if cursor.fetchone()[0] is None:
                return False
            cursor.execute(
                "select exists (select from ops.steps where step = %s and finished_at >= %s)", (list(STEPS)[-1], due)
            )
            return cursor.fetchone()[0]
    except SetupError:
        return False  # and the tick says what is wrong


if __name__ == "__main__":
    sys.exit(main())
