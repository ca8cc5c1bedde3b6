"""The sources: a folder each.

A source has TABLES, SETTINGS, read(job, settings) -> Result, and check(visit, settings) -> list[Finding], which tries
what read() would do and changes nothing.
"""

from ingest.sources import events, prometheus, spiders, website

SOURCES = {"website": website, "events": events, "spiders": spiders, "prometheus": prometheus}
