"""A tick with one new hour of 600 series after a year of their hours, against one after a month."""

from collections.abc import Iterator
from contextlib import ExitStack

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.history import History, history
from bench.warehouse import warehouse

BARS = (Bar("CPU x", 1.2, 1.1),)


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    yield from compared("history", 365, scale)


def compared(name: str, days: int, scale: Scale) -> Iterator[Comparison]:
    """Yield the tick after so many days, held against the one after a month; small, of 4 days against themselves."""
    with ExitStack() as stack:
        server = stack.enter_context(warehouse())
        if scale.is_small:
            days = month = 4
            long = short = stack.enter_context(history(server, days, series=20))
        else:
            month = 30
            long, short = (stack.enter_context(history(server, each, series=600)) for each in (days, month))
        yield compare(name, server.meter(), _side(long, days), _side(short, month), BARS, scale)


def _side(past: History, days: int) -> Side:
    name = f"one tick, warm, one new hour, after {days} days: {past.facts:,} hourly facts"
    return Side(name, past.tick, past.come)
