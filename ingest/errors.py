"""The errors that are meant for people: one line each, with the cure in it."""

import errno
import tempfile

import psycopg2


class SetupError(Exception):
    """Nothing can be read at all: no warehouse, unreadable settings, another company's warehouse."""


class SourceError(Exception):
    """One source can't be read. The message names the setting or the answer, and what to do."""


class QuotaError(SourceError):
    """The source lets us read no more for now. The message says when to run again."""


class SettingError(SourceError):
    """The source can't be read until a person has changed something: a setting, a password, a grant, a value."""


def reason_of(error: BaseException) -> str:
    """Return what an error says, in one line; its kind where it says nothing."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    # libpq's words for a connection that was cut in the middle of an answer.
    return "the connection was lost" if "no message from the libpq" in reason else reason


def is_disk_full(error: BaseException) -> bool:
    """Return whether a file could not be written since its disk, or our share of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def cure_of_full_server(reason: str) -> str | None:
    """Return what to do where a server refuses for want of room; None where it has another reason."""
    if "No space left on device" not in reason:
        return None
    return "make room on the server's disk: docs/runbooks/the-disk-is-full.md"


def of_disk(error: OSError) -> SourceError:
    """Return the error of a run's own files, for which there is no room."""
    place = error.filename or tempfile.gettempdir()
    return SourceError(f"{place}: {error.strerror}: make room, or let TMPDIR name another folder")


def of_warehouse(error: psycopg2.Error) -> SourceError:
    """Return the error of a warehouse that went away, or is full, while a source was read."""
    return SourceError(
        f"the warehouse failed: {reason_of(error)}; what this run did not finish the next one reads again"
    )


def of_streams(failures: dict[str, SourceError], streams: str) -> SourceError:
    """Return the error of a source of which some streams failed: the first one's line, and how many more of `streams`.

    No retry helps where it helps none of them.
    """
    first, *others = [f"{stream}: {error}" for stream, error in failures.items()]
    more = f" (and {len(others)} more of {streams}: see error in raw.reads)" if others else ""
    kind = SettingError if all(isinstance(error, SettingError) for error in failures.values()) else SourceError
    return kind(first + more)
