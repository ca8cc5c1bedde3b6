"""The property: its zone and its currency, which its numbers are made of, and which must stay what they were."""

from dataclasses import astuple, dataclass

from ingest.errors import SettingError
from ingest.reads import Reads

CURE = (
    "If that is meant: `make psql`, `delete from ops.google_analytics_properties;`, and run again; what to read again "
    "is in docs/google-analytics.md"
)


@dataclass(frozen=True)
class Property:
    """What a property says of itself."""

    property_id: str
    time_zone: str
    currency_code: str


def check_same(reads: Reads, found: Property) -> None:
    """Keep what the first run saw; raises SettingError where another one sees something else."""
    with reads.connection.cursor() as cursor:
        cursor.execute(
            """
            insert into ops.google_analytics_properties (property_id, time_zone, currency_code)
            select %s, %s, %s
            where not exists (select from ops.google_analytics_properties)
            """,
            astuple(found),
        )
    query = "select property_id, time_zone, currency_code from ops.google_analytics_properties"
    known = Property(*reads.rows(query)[0])
    for what, before, now in (
        ("property", known.property_id, found.property_id),
        ("time zone of the property", known.time_zone, found.time_zone),
        ("currency of the property", known.currency_code, found.currency_code),
    ):
        if before != now:
            raise SettingError(
                f"[sources.google_analytics] property_id: the {what} was {before} and is {now}: numbers from before "
                f"and after would stand side by side. {CURE}"
            )
