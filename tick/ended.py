"""How a step of a tick ends."""

from typing import NamedTuple

from ingest import __main__ as ingest

# The exit codes of ingest (design, section 4), and of everything that runs it.
FINE, FAILED, TRY_LATER = ingest.ALL_READ, ingest.SOME_FAILED, ingest.CUT_BY_QUOTA
NOTHING_TRIED, NONE_READ = ingest.NOTHING_TRIED, ingest.NONE_READ
SETTINGS_ARE_WRONG = ingest.SETTINGS_ARE_WRONG


class Ended(NamedTuple):
    """How a step ended: an exit code, and a line for people."""

    code: int
    line: str
