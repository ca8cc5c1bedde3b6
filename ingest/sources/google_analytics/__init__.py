"""Google Analytics 4: reports of the settings, each a stream, read by whole days. See README.md in this folder.

What imports Google's client is imported where it is used: it takes 0.35 s and 36 MiB, and not all read this source.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from ingest.errors import SettingError, SetupError
from ingest.hours import zone
from ingest.job import Finding, Job, Result, Visit
from ingest.sources.google_analytics.names import check_names
from ingest.sources.google_analytics.properties import Property, check_same
from ingest.sources.google_analytics.quota import Quota
from ingest.sources.google_analytics.settings import GoogleAnalyticsSettings
from ingest.sources.google_analytics.tables import OPS_TABLES, TABLES  # noqa: F401

if TYPE_CHECKING:
    from ingest.sources.google_analytics.client import Client
    from ingest.sources.google_analytics.streams import Stream

SETTINGS = GoogleAnalyticsSettings


def read(job: Job, settings: GoogleAnalyticsSettings) -> Result:
    """Read what is due of each report into raw.

    Raises SourceError, which names the setting and the cure, or QuotaError where it has to stop. What was read before
    is kept, and a report that fails stops no other.
    """
    from ingest.sources.google_analytics.client import Client
    from ingest.sources.google_analytics.run import Run

    job.say("connecting")
    with closing(Client(settings, job.company, Quota(settings.quota_reserve, job.now))) as client:
        found = client.property()
        check_same(job.reads, found)
        run = Run(job, client, _streams(settings, found, job), settings.oldest(job.now))
        run.read()
    return run.result()


def check(visit: Visit, settings: GoogleAnalyticsSettings) -> list[Finding]:
    """Return what the property is and what each report gives; raises SourceError where it can't be reached."""
    from ingest.sources.google_analytics.client import Client

    with closing(Client(settings, visit.company, Quota(settings.quota_reserve, visit.now))) as client:
        found = client.property()
        known = client.names()
        streams = _streams(settings, found, visit)
        what = f"{found.time_zone}, {found.currency_code}; {client.quota.left()} are left"
        return [
            Finding(f"property {found.property_id}", what),
            *(Finding.of(stream.name, partial(_check_report, client, stream, known)) for stream in streams),
        ]


def _streams(settings: GoogleAnalyticsSettings, found: Property, visit: Visit) -> list[Stream]:
    from ingest.sources.google_analytics.streams import Stream

    try:
        property_zone = zone(found.time_zone)
    except SetupError as error:
        raise SettingError(
            f"[sources.google_analytics] api_endpoint: the answer says that the property's time zone is "
            f"{found.time_zone!r}, and there is none of that name: is this the Data API?"
        ) from error
    return [
        Stream(f"{visit.source}.{name}", report, settings, property_zone, visit.now)
        for name, report in settings.reports.items()
    ]


def _check_report(client: Client, stream: Stream, known: tuple[list[str], list[str]]) -> str:
    """Ask for one row of yesterday; returns what came, in a line, and raises SourceError."""
    check_names(stream.report, *known)
    return stream.check(client)
