"""python -m ingest [SOURCE ...] [--from T --to T]: read the sources into raw.

Exit codes: 0 all read; 1 some failed, at least one read; 3 none read; 78 none read, and none will be until a setting,
a password or a grant is changed; 75 a quota cut one, run again later; 2 nothing tried.
"""

import argparse
import sys

from ingest.errors import SetupError
from ingest.hours import ceil_hour, floor_hour

PIPELINE = "pipeline"
ALL_READ, SOME_FAILED, NOTHING_TRIED, NONE_READ = 0, 1, 2, 3
CUT_BY_QUOTA, SETTINGS_ARE_WRONG = 75, 78  # EX_TEMPFAIL and EX_CONFIG of sysexits.h


def main(arguments: list[str] | None = None) -> int:
    """Read what the command line asks for; returns the exit code."""
    try:
        return exit_code(outcomes(arguments))
    except SetupError as error:
        print(f"ingest: {error}", file=sys.stderr)
        return NOTHING_TRIED


def outcomes(arguments: list[str] | None, is_quiet: bool = False) -> list:
    """Read what the command line asks for; returns how each source ended. Raises SetupError where none is tried."""
    return _run(_parse(arguments), is_quiet)


def exit_code(outcomes: list) -> int:
    """Return what the outcomes of the sources make of the whole."""
    ended = [outcome.outcome for outcome in outcomes if outcome.outcome != "off"]
    # Its own log the pipeline can always read: that is no number of the business.
    read = {outcome.outcome for outcome in outcomes if outcome.source != PIPELINE}
    if "failed" in ended:
        if {"ok", "quota"} & read:
            return SOME_FAILED
        is_hopeless = all(outcome.is_hopeless for outcome in outcomes if outcome.outcome == "failed")
        return SETTINGS_ARE_WRONG if is_hopeless else NONE_READ
    return CUT_BY_QUOTA if "quota" in ended else ALL_READ


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ingest", description="Read the sources into raw.")
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="such as events; all if none is named")
    parser.add_argument("--from", dest="start", metavar="T", help="read this range again: from (ISO 8601, UTC)")
    parser.add_argument("--to", dest="end", metavar="T", help="until")
    parser.add_argument("--reconcile", action="store_true", help="read the last 7 days and whole lists again")
    parser.add_argument("--accept-loss", action="store_true", help="believe an answer with fewer than half of the rows")
    given = parser.parse_args(arguments)
    if bool(given.start) != bool(given.end):
        parser.error("--from and --to go together")
    return given


def _run(given: argparse.Namespace, is_quiet: bool) -> list:
    # dlt takes half a second to import: not for --help, nor for a wrong option.
    from ingest.job import Options
    from ingest.pipeline import run
    from ingest.progress import Progress
    from ingest.reads import Period, parse_instant

    period = None
    if given.start:
        start, end = parse_instant(given.start, "--from"), parse_instant(given.end, "--to")
        period = Period(floor_hour(start), ceil_hour(end))
        if period.start >= period.end:
            raise SetupError("--from is not before --to")
    return run(given.sources, Options(period, given.reconcile, given.accept_loss), Progress(is_quiet))


if __name__ == "__main__":
    sys.exit(main())
