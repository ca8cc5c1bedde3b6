"""python -m ingest.check: try each configured source with cheap requests, and say what it has to read.

Nothing is written. Exit codes: 0 all are fine; 1 some are not; 2 the settings or the warehouse can't be read.
"""

import datetime as dt
import sys
import traceback
from contextlib import closing

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest import loader, settings
from ingest.errors import SetupError, SourceError
from ingest.hours import business_timezone, check_zone
from ingest.job import Finding, Visit
from ingest.pipeline import YEAR
from ingest.reads import now
from ingest.sources import SOURCES

ALL_FINE, SOME_FAILED, NOTHING_TRIED = 0, 1, 2


def main() -> int:
    """Print what was found of each source; returns the exit code."""
    try:
        found = check_sources()
    except SetupError as error:
        print(f"check-sources: {error}", file=sys.stderr)
        return NOTHING_TRIED
    Console(width=None if sys.stdout.isatty() else 110, highlight=False).print(_table(found))
    return ALL_FINE if all(finding.is_fine for _, finding in found) else SOME_FAILED


def check_sources() -> list[tuple[str, Finding]]:
    """Return source and finding, in order; raises SetupError where nothing can be tried."""
    company = settings.company()
    settings.check_sections(SOURCES)
    with closing(loader.connect()) as connection:
        at = now(connection)
    check_zone(business_timezone(), at, at + YEAR)
    return [(source, finding) for source in SOURCES for finding in _check(source, company, at)]


def _check(source: str, company: str, at: dt.datetime) -> list[Finding]:
    if not settings.is_on(source):
        return [Finding("", "off: not configured, or enabled = false")]
    module = SOURCES[source]
    try:
        resolved = settings.resolve(source, module.SETTINGS)
        return module.check(Visit(source, company, loader.target(), at, say=lambda step: None), resolved)
    except (SourceError, SetupError) as error:
        return [Finding("", str(error), is_fine=False)]
    except Exception as error:
        # What nobody foresaw deserves its traceback; the other sources are tried all the same.
        traceback.print_exc()
        return [Finding("", f"unexpected {type(error).__name__}: {error}", is_fine=False)]


def _table(found: list[tuple[str, Finding]]) -> Table:
    table = Table("source", "what", "found", box=None, header_style="bold")
    for source, finding in found:
        mark = "" if finding.is_fine else "FAILED: "
        # In brackets stand settings, which are no markup.
        table.add_row(source, finding.what, Text(mark + finding.found))
    return table


if __name__ == "__main__":
    sys.exit(main())
