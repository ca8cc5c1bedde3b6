"""What a tick of the warm loop costs on the demo's 90 days: with nothing new, and when an hour's rows have come."""

from collections.abc import Iterator
from itertools import count

from bench.comparison import Bar, Comparison, Scale, Side, compare
from bench.demo import demo, live
from bench.loop import loop

STEPS = ("ingest", "build", "freshness", "notify")
HOURS = 20  # that the databases are behind at first: more than the times that one comes


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield a row for each, with the site and without."""
    with demo(scale.is_small) as company, loop(company) as ticks:
        live(company, HOURS)
        # A small one only reads: each step has tests of its own.
        steps = STEPS[:1] if scale.is_small else STEPS
        for _ in range(2):
            ticks.tick(*steps)
        # What the first load left for autovacuum is not the tick's cost.
        company.command("vacuum analyze")
        ago = count(HOURS - 1, -1)

        def come() -> None:
            live(company, next(ago))

        ways = {"without the site": steps} | ({} if scale.is_small else {"and the site": ()})
        for name, prepare, bar in (
            ("nothing new", lambda: None, Bar("CPU s", 4, 2)),
            ("an hour of new rows of events, objects and spiders", come, Bar("CPU s", 5, 3)),
        ):
            for what, steps in ways.items():
                work = Side(f"one tick, warm, {what}: {name}", lambda steps=steps: ticks.tick(*steps), prepare)
                yield compare("tick", company.meter(), work, None, (bar,), scale)
