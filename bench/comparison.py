"""The work and what it is held against, done in turns; the figures that come of it, and the bars they are held to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from bench.cost import Cost, Meter

MIB = 2**20


@dataclass(frozen=True)
class Scale:
    """How much is measured: small shows that a bench still runs, and its figures say nothing."""

    is_small: bool = False

    @property
    def times(self) -> int:
        """How often each side is done."""
        return 1 if self.is_small else 3


def _nothing() -> None:
    """Be what a side prepares or checks where it does neither."""


class Side(NamedTuple):
    """A piece of work: what it is called, what does it, what is done before and after each time and not measured.

    Ratios of time are of the time for each of `amount`: rows, where two sides have not as many.
    """

    name: str
    work: Callable[[], None]
    prepare: Callable[[], None] = _nothing
    check: Callable[[], None] = _nothing
    amount: float = 1


class Bar(NamedTuple):
    """The most that a figure may be, and what would be better still; `figure` is a key of FIGURES."""

    figure: str
    at_most: float
    stretch: float | None = None

    def __str__(self) -> str:
        """Return the bar as the table shows it."""
        stretch = "" if self.stretch is None else f" ({self.stretch:g})"
        return f"{self.figure} <= {self.at_most:g}{stretch}"


class Comparison(NamedTuple):
    """What was measured of a work, and of what it is held against: none where only absolute bars hold it.

    `growth` is of what the work leaves on disk, where that is measured: how many times as large it gets.
    """

    bench: str
    work: Side
    against: Side | None
    bars: Sequence[Bar]
    costs: list[Cost]
    against_costs: list[Cost]
    growth: float | None = None

    def ratio(self, of: Callable[[Cost], float]) -> float:
        """Return the median of the ratios of each pair: what loads the machine meanwhile slows both of a pair."""
        pairs = zip(self.costs, self.against_costs, strict=True)
        return median(of(one) / max(of(other), 1e-9) for one, other in pairs)

    def time_ratio(self, of: Callable[[Cost], float]) -> float:
        """Return the same for the time for each of the amounts."""
        return self.ratio(of) * self.against.amount / self.work.amount


# The name of a figure -> its value. A cell of the table names those that have a bar.
FIGURES: dict[str, Callable[[Comparison], float]] = {
    "wall x": lambda found: found.time_ratio(lambda cost: cost.wall),
    "CPU x": lambda found: found.time_ratio(lambda cost: cost.cpu),
    "memory x": lambda found: found.ratio(lambda cost: cost.memory),
    "wall s": lambda found: median(cost.wall for cost in found.costs),
    "wall ms": lambda found: median(cost.wall for cost in found.costs) * 1000,
    "CPU s": lambda found: median(cost.cpu for cost in found.costs),
    "MiB": lambda found: median(cost.memory for cost in found.costs) / MIB,
    "size x": lambda found: found.growth,
}


def compare(
    bench: str, meter: Meter, work: Side, against: Side | None, bars: Sequence[Bar], scale: Scale
) -> Comparison:
    """Measure work, against, work, against and so on; `bench` is the name that the table has."""
    costs, against_costs = [], []
    for _ in range(scale.times):
        costs.append(_once(meter, work))
        if against:
            against_costs.append(_once(meter, against))
    return Comparison(bench, work, against, bars, costs, against_costs)


def _once(meter: Meter, side: Side) -> Cost:
    side.prepare()
    cost = meter.measure(side.work)
    side.check()
    return cost
