"""The sources: a folder each. A source has TABLES, SETTINGS and read(job, settings) -> Result."""

from ingest.sources import events, prometheus, spiders, website

SOURCES = {"website": website, "events": events, "spiders": spiders, "prometheus": prometheus}
