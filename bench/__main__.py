"""python -m bench [NAME ...] [--full] [--small]: measure, print the table and write it into docs/performance.md.

A small run measures next to nothing, shows that the benches still run, and writes nothing.
"""

import argparse
import sys

from bench import table
from bench.benches import BENCHES, LONG
from bench.comparison import Scale
from bench.warehouse import BenchError
from ingest.embedded import EmbeddedError


def main(arguments: list[str] | None = None) -> int:
    """Run the named benches, all but the long ones if none is named; returns the exit code."""
    given = _parse(arguments)
    rows, failed = [], []
    for name in given.names or [name for name in BENCHES if given.full or name not in LONG]:
        print(f"==> {name}: {BENCHES[name].__doc__.splitlines()[0]}", flush=True)
        try:
            found = [table.cells(each) for each in BENCHES[name].run(Scale(given.small))]
        except (BenchError, EmbeddedError) as error:
            print(f"bench {name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        rows += found
        if not given.small:
            table.write(found, BENCHES)
    table.show(rows)
    return 1 if failed else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and write docs/performance.md.")
    names = f"one or more of {', '.join(BENCHES)}; all if none is named"
    parser.add_argument("names", nargs="*", metavar="NAME", help=names)
    parser.add_argument("--full", action="store_true", help=f"the long ones too: {', '.join(LONG)}")
    parser.add_argument("--small", action="store_true", help="as little as there can be, once: does it run?")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.names) - set(BENCHES))
    if unknown:
        parser.error(f"there is no bench {unknown[0]}; there are: {', '.join(BENCHES)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
