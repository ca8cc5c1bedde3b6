"""A tick with one new hour of 600 series after a year of their hours, against one after a month."""

from collections.abc import Iterator
from contextlib import ExitStack

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.history import History, history
from bench.warehouse import warehouse

BARS = (Bar("CPU x", 1.2, 1.1),)


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    yield from compared("history", 365, 30, scale)


def compared(name: str, days: int, fewer: int, scale: Scale) -> Iterator[Comparison]:
    """Yield the tick after so many days, held against the one after fewer; small, of 4 days against themselves."""
    with ExitStack() as stack:
        server = stack.enter_context(warehouse())
        if scale.is_small:
            days = fewer = 4
            long = short = stack.enter_context(history(server, days, series=20))
        else:
            long, short = (stack.enter_context(history(server, each, series=600)) for each in (days, fewer))
        yield compare(name, server.meter(), _side(long, days), _side(short, fewer), BARS, scale)


def _side(past: History, days: int) -> Side:
    name = f"one tick, warm, one new hour, after {days} days: {past.facts:,} hourly facts"
    return Side(name, past.tick, past.come)
