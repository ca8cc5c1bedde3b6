"""The sources: a folder each. A source has TABLES, SETTINGS and read(job, settings) -> Result."""

from ingest.sources import events, prometheus, website

SOURCES = {"website": website, "events": events, "prometheus": prometheus}
