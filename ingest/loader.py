"""How ingest logs in to the warehouse: as dbt does, or as a role of its own that dlt's settings name.

Where the warehouse is says dbt's profile alone; [destination.postgres.credentials] has username and password.
"""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from ingest import settings, warehouse
from ingest.warehouse import Login, Target

SECTION = ("destination", "postgres", "credentials")


class LoaderSettings(BaseModel):
    """Settings of [destination.postgres.credentials]; SECURITY.md says what they are for."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    username: str | None = None
    password: str = ""


def target() -> Target:
    """Return the warehouse as ingest logs in; raises SetupError where a setting can't be read."""
    login = _login()
    given = warehouse.target()
    return replace(given, user=login.user, password=login.password) if login else given


def connect():
    """Return a connection as warehouse.connect() does, logged in as ingest."""
    return warehouse.connect(login=_login())


def _login() -> Login | None:
    given = settings.resolve_section(SECTION, LoaderSettings, "SECURITY.md")
    return Login(given.username, given.password, f"[{'.'.join(SECTION)}]") if given.username else None
