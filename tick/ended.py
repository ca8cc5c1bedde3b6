"""How a step of a tick ends."""

from typing import NamedTuple

# The exit codes of ingest (design, section 4), and of everything that runs it.
FINE, FAILED, NOTHING_TRIED, NONE_READ, TRY_LATER, SETTINGS_ARE_WRONG = 0, 1, 2, 3, 75, 78


class Ended(NamedTuple):
    """How a step ended: an exit code, and a line for people."""

    code: int
    line: str
