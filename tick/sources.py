"""python -m tick.sources: name the sources that are on, as a JSON list, for a scheduler with a task a source.

The demo company lives on first, since its sources are read next; a source that is off is marked so, since no task will.
Exit codes: 0; 2 the settings or the warehouse can't be used.
"""

import json
import sys

from ingest import settings
from ingest.__main__ import outcomes
from ingest.errors import SetupError
from ingest.sources import SOURCES
from tick.ended import FINE, NOTHING_TRIED
from tick.steps import let_the_demo_live


def main() -> int:
    """Print the names; returns the exit code."""
    try:
        let_the_demo_live()
        on = [source for source in SOURCES if settings.is_on(source)]
        off = [source for source in SOURCES if source not in on]
        if off:
            outcomes(off, is_quiet=True)
    except SetupError as error:
        print(f"sources: {error}", file=sys.stderr)
        return NOTHING_TRIED
    print(json.dumps(on))
    return FINE


if __name__ == "__main__":
    sys.exit(main())
