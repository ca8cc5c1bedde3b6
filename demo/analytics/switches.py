"""What a test may make odd in the property, or let fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Switches:
    """As it stands, nothing is odd and nothing fails.

    time_zone, currency_code: the property's.
    without_days, without_channels: they have no rows.
    other: a dimension of which every tenth visitor's value is "(other)".
    moves: so many of the next pages after a first one lack a row that the first one had.
    is_sampled, is_thresholded, is_truncated: the report says so; thresholded, it lacks rows of fewer than 10 sessions.
    as_floats: 12 is written as 12.0.
    garbage: stands in place of the first metric of the first row.
    rows: of an artificial report, to measure with.
    failures: what becomes of the next calls, a name of `refusals.FAILURES` or a quota's, "" for a good answer.
    limits: a quota's name in PropertyQuota -> how much there is of it, where that is not Google's.
    """

    time_zone: str = "Europe/Paris"
    currency_code: str = "EUR"
    without_days: set[dt.date] = field(default_factory=set)
    without_channels: set[str] = field(default_factory=set)
    other: str = ""
    moves: int = 0
    is_sampled: bool = False
    is_thresholded: bool = False
    is_truncated: bool = False
    as_floats: bool = False
    garbage: str = ""
    rows: int = 0
    failures: Iterator[str] = field(default_factory=lambda: iter(()))
    limits: dict[str, int] = field(default_factory=dict)
