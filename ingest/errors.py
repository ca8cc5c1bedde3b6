"""The errors that are meant for people: one line each, with the cure in it."""

from collections.abc import Mapping


class SetupError(Exception):
    """Nothing can be read at all: no warehouse, unreadable settings, another company's warehouse."""


class SourceError(Exception):
    """One source can't be read. The message names the setting or the answer, and what to do."""

    @classmethod
    def of_streams(cls, failures: Mapping[str, "SourceError"], of: str) -> "SourceError":
        """Return the error of a source of which some streams failed: the first in full, and how many more of what."""
        first, *others = [f"{stream}: {error}" for stream, error in failures.items()]
        return cls(first + (f" (and {len(others)} more of {of}: see error in raw.reads)" if others else ""))


class QuotaError(SourceError):
    """The source lets us read no more for now. The message says when to run again."""
