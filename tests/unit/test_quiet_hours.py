"""Quiet hours, also those that hold midnight."""

import datetime as dt

import pytest

from tick.notify import NotifySettings


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        ("22:00-07:00", "21:59", False),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:00", False),
        (None, "03:00", False),
    ],
)
def test_a_time_of_the_day_is_quiet_or_not(quiet, at, expected):
    assert NotifySettings(quiet=quiet).is_quiet(dt.time.fromisoformat(at)) is expected
