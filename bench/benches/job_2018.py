"""The inputs of the job of 2018, ten and a hundred times as many, each against the step before: linear or better."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale
from bench.job_2018 import steps

BARS = (Bar("wall x", 1), Bar("CPU x", 1))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield a comparison of the time for each row with each step."""
    return steps("job_2018", (1, 10, 100), BARS, scale)
