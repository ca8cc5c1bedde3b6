"""The sources: a folder each.

A source has TABLES, SETTINGS, read(job, settings) -> Result, and check(visit, settings) -> list[Finding], which tries
what read() would do and changes nothing.
"""

from ingest.sources import events, google_analytics, prometheus, spiders, website

SOURCES = {
    "website": website,
    "events": events,
    "spiders": spiders,
    "prometheus": prometheus,
    "google_analytics": google_analytics,
}
