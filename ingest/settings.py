"""Settings: in dlt's own places (`.dlt/config.toml`, `.dlt/secrets.toml`, SOURCES__EVENTS__URL), checked whole.

dlt's own resolution would go on to look for less exact names: with a shell that exports COLUMNS=80, the setting
`columns` of the events would be 80.
"""

import datetime as dt
import difflib
import json
import os
from collections.abc import Collection, Iterator
from typing import Annotated

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers.toml import SettingsTomlProvider, TomlProviderReadException
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter, ValidationError

from ingest import personal
from ingest.errors import SettingError, SetupError
from ingest.hours import zone
from ingest.reads import parse_instant
from ingest.texts import NO_TEXT, is_text

# Its sources are read by no other company, and it reads no others.
DEMO_COMPANY = "demo"


def _zone_name(name: str) -> str:
    try:
        return zone(name).key
    except SetupError as error:
        raise ValueError("no such time zone; write one such as Europe/Paris") from error


class SourceSettings(BaseModel):
    """What every source has."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    enabled: bool = True


class PostgresSettings(SourceSettings):
    """What a source that is a PostgreSQL database has besides.

    `url` leaves out what is the warehouse's own: postgresql:///shop is the database shop on its server.
    `timezone` is the zone of columns without one. With a `user_id_salt` a user arrives as a hash; the same salt gives
    the same hash in every source. `allow_personal` names what may hold e-mail addresses, names or IP addresses.
    """

    url: str
    timezone: Annotated[str, AfterValidator(_zone_name)] = "UTC"
    lookback_hours: NonNegativeInt = 3
    user_id_salt: str | None = None
    allow_personal: list[str] = Field(default_factory=list)

    def check_user_id(self, setting: str, column: str | None) -> None:
        """Raise ValueError where the column of users looks like what they are called, and nothing hashes it."""
        if column and self.user_id_salt is None:
            personal.check_names(f"{setting} (a number, or with a user_id_salt)", [column], self.allow_personal)

    @property
    def lookback(self) -> dt.timedelta:
        """How far back rows committed late are looked for."""
        return dt.timedelta(hours=self.lookback_hours)


def company() -> str:
    """Return whose numbers these are; raises SetupError where `.dlt/config.toml` does not say, or is no TOML."""
    try:
        name = dlt.config.get("company", str)
    except TomlProviderReadException as error:
        reason = str(error).strip().splitlines()[-1]
        raise SetupError(f".dlt/{error.file_name} is no TOML: {reason}; correct that line") from error
    if not name:
        raise SetupError('.dlt/config.toml: company is not set; write company = "your-company" at the top')
    return name


def check_sections(sources: Collection[str]) -> None:
    """Raise SetupError where a section names no source: misspelt, it would look like one that is turned off."""
    for name in _tables("sources"):
        if name not in sources:
            close = difflib.get_close_matches(name, sources, n=1)
            hint = f"did you mean [sources.{close[0]}]?" if close else f"there are: {', '.join(sources)}"
            raise SetupError(f"[sources.{name}]: there is no such source; {hint}")


def is_on(source: str) -> bool:
    """Return whether a source is configured and not turned off."""
    section = _section("sources", source)
    try:
        return bool(section) and TypeAdapter(bool).validate_python(section.get("enabled", True))
    except ValidationError:
        return True  # and what is wrong with it is said by resolve()


def resolve(source: str, spec: type[SourceSettings]) -> SourceSettings:
    """Return the settings of a source; raises SettingError that names the setting and the cure."""
    try:
        return resolve_section(("sources", source), spec, f"ingest/sources/{source}/README.md")
    except SetupError as error:
        raise SettingError(str(error)) from error


def resolve_section(path: tuple[str, ...], spec: type[BaseModel], page: str) -> BaseModel:
    """Return the settings of a section that is no source's; raises SetupError that names the setting and the cure."""
    section = _section(*path)
    broken = _broken(section)
    if broken:
        raise SetupError(f"[{'.'.join(path)}] {broken}: {NO_TEXT}")
    try:
        return spec.model_validate(section)
    except ValidationError as error:
        raise SetupError(_explain(path, spec, error.errors()[0], page)) from error


def instant(source: str, setting: str, text: object) -> dt.datetime | None:
    """Return a setting as an instant, None where it is not set; raises SettingError where it is none."""
    if text is None:
        return None
    try:
        return parse_instant(str(text), f"[sources.{source}] {setting}")
    except SetupError as error:
        raise SettingError(str(error)) from error


def _section(*path: str) -> dict:
    """Return what the files and the environment say of a section: environment over secrets over config."""
    prefix = "".join(f"{part.upper()}__" for part in path)
    variables = {
        name[len(prefix) :].lower(): _value(text) for name, text in os.environ.items() if name.startswith(prefix)
    }
    return _tables(*path) | variables


def _tables(*path: str) -> dict:
    """Return a table of config.toml with that of secrets.toml laid over it.

    dlt itself takes the first file that has the table: a URL in secrets.toml would hide all of config.toml's.
    """
    *sections, key = path
    found = {}
    # dlt keeps its providers strongest first: environment, secrets, config.
    for provider in reversed(Container()[PluggableRunContext].providers.providers):
        if isinstance(provider, SettingsTomlProvider):
            found |= provider.get_value(key, dict, None, *sections)[0] or {}
    return found


def _broken(section: dict) -> str | None:
    """Return the first setting that holds what is no text, None where all can be used."""
    return next((name for name, value in section.items() if not all(map(is_text, _texts(value)))), None)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _value(text: str) -> object:
    """Return an environment variable's value: lists and tables are JSON."""
    try:
        return json.loads(text) if text[:1] in ("{", "[") else text
    except ValueError:
        return text


def _explain(path: tuple[str, ...], spec: type[BaseModel], problem: dict, page: str) -> str:
    """Return a line for the first problem that pydantic found; `page` has all settings."""
    name = ".".join(str(part) for part in problem["loc"])
    setting = f"[{'.'.join(path)}] {name}"
    if problem["type"] == "missing":
        variable = "" if "." in name else f", or set {'__'.join((*path, name)).upper()}"
        return f"{setting} is not set: write it in .dlt/config.toml or .dlt/secrets.toml{variable}"
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, spec.model_fields, n=1)
        hint = f"did you mean {close[0]}?" if close else f"{page} has them all"
        return f"{setting}: no such setting; {hint}"
    # What was given is not shown: it may be a password.
    said = problem["msg"].removeprefix("Value error, ")
    # A rule of several settings names its own.
    return f"{setting}: {said}" if name else f"{setting}{said}"
