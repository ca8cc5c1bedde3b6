"""The inputs of the job of 2018 a thousand times, against a hundred times: linear or better, and within 10 minutes."""

from collections.abc import Iterator

from bench.comparison import Bar, Comparison, Scale, compare
from bench.job_2018 import job
from bench.warehouse import warehouse

BARS = (Bar("wall x", 1), Bar("CPU x", 1), Bar("wall s", 600))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    fewer, more = (1, 2) if scale.is_small else (100, 1000)
    with warehouse() as company, job(company, fewer) as (small, small_pid), job(company, more) as (large, large_pid):
        company.dbt("parse")
        yield compare("job_2018_1000x", company.meter([small_pid, large_pid]), large, small, BARS, scale)
