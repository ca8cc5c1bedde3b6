"""The inputs of the job of 2018 a thousand times, against a hundred times: linear or better, and within 10 minutes."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale
from bench.job_2018 import steps

BARS = (Bar("wall x", 1), Bar("CPU x", 1), Bar("wall s", 600))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    return steps("job_2018_1000x", (100, 1000), BARS, scale)
