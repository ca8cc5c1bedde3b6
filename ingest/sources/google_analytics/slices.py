"""A slice, one day of a report: all its pages, of one and the same state of the property."""

import datetime as dt
from typing import Any

from ingest.errors import SourceError
from ingest.sources.google_analytics.client import Client
from ingest.sources.google_analytics.queries import page
from ingest.sources.google_analytics.reports import ReportSettings

# A page that counts other rows than the first belongs to other numbers: read so often, then given up.
TRIES = 4


def read_slice(client: Client, report: ReportSettings, date: dt.date) -> list[Any]:
    """Return the pages of a day, as raw protobuf messages; raises SourceError where it never holds still."""
    for _ in range(TRIES):
        pages = _pages(client, report, date)
        if len({each.row_count for each in pages}) == 1 and sum(len(each.rows) for each in pages) == pages[0].row_count:
            return pages
    raise SourceError(
        f"{date}: the number of rows changed while its pages were read, {TRIES} times; nothing of that day was read, "
        "the next run tries again"
    )


def _pages(client: Client, report: ReportSettings, date: dt.date) -> list[Any]:
    """Return pages up to the last, or to the first that counts other rows: Google sends fewer than it is asked for."""
    pages, received = [], 0
    while True:
        answer = client.report(page(report, client.property_id, date, received))
        pages.append(answer)
        received += len(answer.rows)
        if received >= answer.row_count or not answer.rows or answer.row_count != pages[0].row_count:
            return pages
