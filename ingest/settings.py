"""Settings: dlt's own (`.dlt/config.toml`, `.dlt/secrets.toml`, SOURCES__EVENTS__URL), read and checked."""

import datetime as dt
import difflib
import os

import dlt
from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.specs import BaseConfiguration

from ingest.errors import SetupError, SourceError
from ingest.reads import parse_instant


@configspec
class SourceSettings(BaseConfiguration):
    """What every source has."""

    enabled: bool = True


@configspec
class PostgresSettings(SourceSettings):
    """What a source that is a PostgreSQL database has besides.

    `url` leaves out what is the warehouse's own: postgresql:///shop is the database shop on its server.
    `timezone` is the zone of columns without one. `keeps_days` is how long the source keeps rows.
    """

    url: str = None
    timezone: str = "UTC"
    lookback_hours: int = 3
    keeps_days: int | None = None

    @property
    def lookback(self) -> dt.timedelta:
        """How far back rows committed late are looked for."""
        return dt.timedelta(hours=self.lookback_hours)

    def oldest(self, now: dt.datetime) -> dt.datetime | None:
        """Return the instant before which the source keeps nothing; None where it keeps all."""
        return now - dt.timedelta(days=self.keeps_days) if self.keeps_days else None


def company() -> str:
    """Return whose numbers these are; raises SetupError where `.dlt/config.toml` does not say."""
    name = dlt.config.get("company", str)
    if not name:
        raise SetupError('.dlt/config.toml: company is not set; write company = "your-company" at the top')
    return name


def is_on(source: str) -> bool:
    """Return whether a source is configured and not turned off."""
    section = _section(source)
    return bool(section) and str(section.get("enabled", True)).lower() != "false"


def resolve(source: str, spec: type[SourceSettings]) -> SourceSettings:
    """Return the settings of a source; raises SourceError that names the setting and the cure."""
    section, known = _section(source), set(spec.get_resolvable_fields())
    for name in section:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(known))}"
            raise SourceError(f"[sources.{source}] {name}: no such setting; {hint}")
    try:
        return resolve_configuration(spec(), sections=("sources", source))
    except ConfigurationException as error:
        raise SourceError(f"[sources.{source}] {_explain(source, error)}") from error


def start_at(source: str, text: str | None) -> dt.datetime | None:
    """Return the setting `start_at` as an instant; raises SourceError where it is none."""
    if text is None:
        return None
    try:
        return parse_instant(text, f"[sources.{source}] start_at")
    except SetupError as error:
        raise SourceError(str(error)) from error


def _section(source: str) -> dict:
    """Return what the files and the environment say of a source, secrets over config."""
    prefix = f"SOURCES__{source.upper()}__"
    variables = {
        name[len(prefix) :].lower().split("__")[0]: value
        for name, value in os.environ.items()
        if name.startswith(prefix)
    }
    section = dict(dlt.config.get(f"sources.{source}") or {})
    return section | dict(dlt.secrets.get(f"sources.{source}") or {}) | variables


def _explain(source: str, error: ConfigurationException) -> str:
    missing = getattr(error, "fields", None)
    if missing:
        name = missing[0]
        return (
            f"{name} is not set: write it in .dlt/config.toml or .dlt/secrets.toml, "
            f"or set SOURCES__{source.upper()}__{name.upper()}"
        )
    return str(error).strip().splitlines()[0]
