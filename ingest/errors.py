"""The errors that are meant for people: one line each, with the cure in it."""


class SetupError(Exception):
    """Nothing can be read at all: no warehouse, unreadable settings, another company's warehouse."""


class SourceError(Exception):
    """One source can't be read. The message names the setting or the answer, and what to do."""


class QuotaError(SourceError):
    """The source lets us read no more for now. The message says when to run again."""


class SettingError(SourceError):
    """The source can't be read until a person has changed something: a setting, a password, a grant, a value."""


def of_streams(failures: dict[str, SourceError], streams: str) -> SourceError:
    """Return the error of a source of which some streams failed: the first one's line, and how many more of `streams`.

    No retry helps where it helps none of them.
    """
    first, *others = [f"{stream}: {error}" for stream, error in failures.items()]
    more = f" (and {len(others)} more of {streams}: see error in raw.reads)" if others else ""
    kind = SettingError if all(isinstance(error, SettingError) for error in failures.values()) else SourceError
    return kind(first + more)
