"""The inputs of the job of 2018, ten and a hundred times as many, each against the step before: linear or better."""

from collections.abc import Iterator
from itertools import pairwise

from bench.comparison import Bar, Comparison, Scale, compare
from bench.job_2018 import job
from bench.warehouse import warehouse

BARS = (Bar("wall x", 1), Bar("CPU x", 1))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield a comparison of the time for each row with each step."""
    for fewer, more in pairwise((1, 2) if scale.is_small else (1, 10, 100)):
        with (
            warehouse() as company,
            job(company, fewer) as (small, small_pid),
            job(company, more) as (large, large_pid),
        ):
            # The first run of dbt parses all models: not one side's cost.
            company.dbt("parse")
            yield compare("job_2018", company.meter([small_pid, large_pid]), large, small, BARS, scale)
