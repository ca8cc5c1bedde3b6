"""The sources: a folder each.

A source has TABLES, SETTINGS, read(job, settings) -> Result, and check(visit, settings) -> list[Finding], which tries
what read() would do and changes nothing. One that has to remember more than its reads has OPS_TABLES, too.
"""

from ingest.raw import Table
from ingest.sources import events, google_analytics, pipeline, prometheus, spiders, website

SOURCES = {
    "website": website,
    "events": events,
    "spiders": spiders,
    "prometheus": prometheus,
    "google_analytics": google_analytics,
    "pipeline": pipeline,
}


def all_tables() -> list[Table]:
    """Return the tables of all sources, those in the schema `ops` too."""
    return [table for source in SOURCES.values() for table in (*source.TABLES, *getattr(source, "OPS_TABLES", ()))]
