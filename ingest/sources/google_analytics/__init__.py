"""Google Analytics 4: reports of the settings, each a stream. See README.md in this folder."""

from ingest.errors import SourceError
from ingest.job import Finding, Job, Result, Visit
from ingest.settings import SourceSettings
from ingest.sources.google_analytics.tables import TABLES  # noqa: F401


class GoogleAnalyticsSettings(SourceSettings):
    """Settings of [sources.google_analytics]."""

    property_id: str


SETTINGS = GoogleAnalyticsSettings


def read(job: Job, settings: GoogleAnalyticsSettings) -> Result:
    """Read what is due of each report into raw."""
    raise SourceError("not written yet")


def check(visit: Visit, settings: GoogleAnalyticsSettings) -> list[Finding]:
    """Return what each report gives."""
    raise SourceError("not written yet")
