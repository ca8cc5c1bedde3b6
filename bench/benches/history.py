"""A tick with one new hour of 600 series after a year of their hours, against one after a month."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.history import History, history
from bench.warehouse import warehouse

BARS = (Bar("CPU x", 1.2, 1.1),)


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    yield from compared("history", 365, scale)


def compared(name: str, days: int, scale: Scale) -> Iterator[Comparison]:
    """Yield the tick after so many days, held against the one after a month; of the small scale after days."""
    series, days, month = (20, 8, 4) if scale.is_small else (600, days, 30)
    with warehouse() as server, history(server, days, series) as long, history(server, month, series) as short:
        yield compare(name, server.meter(), _side(long, days), _side(short, month), BARS, scale)


def _side(past: History, days: int) -> Side:
    name = f"one tick, warm, one new hour, after {days} days: {past.facts:,} hourly facts"
    return Side(name, past.tick, past.come)
