"""The demo's Google Analytics, served by this process, whose CPU is nobody's cost."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from demo import api
from demo.analytics import wires
from demo.analytics.property import Property
from demo.analytics.switches import Switches


@contextmanager
def serve(now: dt.datetime, rows: int = 0) -> Iterator[str]:
    """Serve the demo's API, asked at an instant; gives its URL.

    Each report has so many rows; 0 for those that the company's visitors make.
    """
    with api.serve(0, Property(now, Switches(rows=rows))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def settings(url: str, start_at: dt.date, report: dict) -> dict[str, str]:
    """Return the environment that reads one report, called channels, from a day on."""
    given = {
        "ENABLED": "true",
        "PROPERTY_ID": "demo",
        "TRANSPORT": "rest",
        "API_ENDPOINT": f"{url}{wires.PATH}",
        "START_AT": start_at.isoformat(),
        "REPORTS": json.dumps({"channels": report}),
    }
    return {f"SOURCES__GOOGLE_ANALYTICS__{name}": value for name, value in given.items()}
