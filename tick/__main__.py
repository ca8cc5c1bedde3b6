"""python -m tick [STEP ...] [--from T --to T] [--reconcile] [--dry-run] [--test]: ingest, dbt build,
freshness, site, notify, in this process.

Safe to repeat, to overlap and to kill. Exit codes: 0 all is well; 1 something failed, its line says what; 2 nothing
tried; 3 no source read; 75 try again later: another tick is running, or a quota cut a source; 78 no source read, and
none will be until a setting, a password or a grant is changed.
"""

import argparse
import sys

from tick.run import STEPS, run
from tick.steps import Options


def main(arguments: list[str] | None = None) -> int:
    """Run the named steps, all if none is named; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tick", description="Everything that happens once an hour.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"{', '.join(STEPS)}; all if none is named")
    parser.add_argument("--from", dest="start", metavar="T", help="read this range again: from (ISO 8601, UTC)")
    parser.add_argument("--to", dest="end", metavar="T", help="until")
    parser.add_argument("--reconcile", action="store_true", help="read the last 7 days and whole lists again")
    parser.add_argument("--dry-run", action="store_true", help="notify prints its message and sends nothing")
    parser.add_argument("--test", action="store_true", help="notify sends a test message, whatever is wrong or not")
    given = parser.parse_args(arguments)
    unknown = [step for step in given.steps if step not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]!r}; there are: {', '.join(STEPS)}")
    if bool(given.start) != bool(given.end):
        parser.error("--from and --to go together")
    ended = run(given.steps or list(STEPS), Options(_ingest_arguments(given), given.dry_run, given.test))
    print(ended.line)
    return ended.code


def _ingest_arguments(given: argparse.Namespace) -> tuple[str, ...]:
    chosen = ("--from", given.start, "--to", given.end) if given.start else ()
    return chosen + (("--reconcile",) if given.reconcile else ())


if __name__ == "__main__":
    sys.exit(main())
