"""A tick with one new hour of 600 series after five years of their hours, against one after a year."""

from collections.abc import Iterator

from bench.benches.history import compared
from bench.comparison import Comparison, Scale


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    return compared("history_5y", 1826, 365, scale)
