"""The warehouse: the connection that dbt's profile names, and the embedded server behind it.

python -m ingest.warehouse up|down|psql
"""

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import jinja2
import psycopg2
import yaml

from ingest import tls
from ingest.embedded import EmbeddedError, EmbeddedServer, binaries
from ingest.errors import SetupError, cure_of_full_server, reason_of
from ingest.project import ROOT
from ingest.texts import NO_TEXT, is_text

PROFILE = "business_dashboards"
# With the others libpq goes on without it.
NEEDS_TLS = ("require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Target:
    """One output of dbt's profile: where the warehouse is, and whether `make up` starts it."""

    name: str
    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: str
    sslrootcert: str  # '' is libpq's own default

    @property
    def is_embedded(self) -> bool:
        """Whether this project starts the server itself."""
        return self.name == "embedded"

    @property
    def libpq(self) -> dict[str, str]:
        """The variables that point PostgreSQL's own programs at it."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
            "PGSSLMODE": self.sslmode,
            "PGSSLROOTCERT": self.sslrootcert,
        }


class Login(NamedTuple):
    """Another user than dbt's, and where the password is written."""

    user: str
    password: str
    setting: str


def target() -> Target:
    """Return the warehouse that dbt would use here.

    Raises SetupError where profiles.yml is missing or names a variable that is not set.
    """
    path = profiles_path()
    if not path.exists():
        raise SetupError(f"{path} is missing: run `make up`, which makes it from profiles.example.yml")
    return _target(path, path.read_text(), tuple(os.environ.items()))


# A tick asks some ten times, and reading a profile takes 10 ms.
@lru_cache(maxsize=4)
def _target(path: Path, text: str, _environment: tuple) -> Target:
    try:
        profile = yaml.safe_load(text)[PROFILE]
        name = os.environ.get("DBT_TARGET") or _render(profile["target"])
        output = {key: _rendered(path, key, value) for key, value in profile["outputs"][name].items()}
        return Target(
            name=name,
            host=output["host"],
            port=int(output["port"]),
            user=output["user"],
            password=output["password"],
            database=output["dbname"],
            sslmode=output.get("sslmode", "prefer"),
            sslrootcert=output.get("sslrootcert", ""),
        )
    except (yaml.YAMLError, jinja2.TemplateError, KeyError, TypeError, ValueError) as error:
        raise SetupError(f"{path} can't be read ({_what(error)}): compare it with profiles.example.yml") from error


def _what(error: Exception) -> str:
    """Return what is wrong with a profile, and where: what is written there may be a password."""
    mark = getattr(error, "problem_mark", None)
    if mark:
        return f"line {mark.line + 1} is no YAML"
    return repr(error) if isinstance(error, KeyError) else type(error).__name__


def profiles_path() -> Path:
    """Return the profiles.yml that dbt reads: in DBT_PROFILES_DIR, else in the project's root."""
    return Path(os.environ.get("DBT_PROFILES_DIR", ROOT)) / "profiles.yml"


def make_profiles() -> None:
    """Write profiles.yml from profiles.example.yml with a random password, where there is none."""
    path = profiles_path()
    if path.exists():
        return
    text = (ROOT / "profiles.example.yml").read_text()
    text = text.replace("RANDOM_PASSWORD", secrets.token_urlsafe(18))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def connect(database: str | None = None, login: Login | None = None):
    """Return a psycopg2 connection (UTC, autocommit off) to the warehouse, or to a database beside it.

    Raises SetupError where the server does not answer or refuses.
    """
    warehouse = target()
    user, password, *setting = login or (warehouse.user, warehouse.password)
    try:
        return psycopg2.connect(
            host=warehouse.host,
            port=warehouse.port,
            user=user,
            password=password,
            dbname=database or warehouse.database,
            sslmode=warehouse.sslmode,
            sslrootcert=warehouse.sslrootcert,
            application_name="business-dashboards",
            connect_timeout=10,  # another program on the port may never answer
            options="-c timezone=UTC",
        )
    except psycopg2.OperationalError as error:
        taken = f"run `make up`; where another's server has port {warehouse.port}, set WAREHOUSE_PORT"
        checked = ", ".join([*setting, "WAREHOUSE_* and profiles.yml"])
        own = tls.cure(str(error), "WAREHOUSE_HOST", "WAREHOUSE_SSLROOTCERT") or f"check {checked}"
        cure = cure_of_full_server(str(error)) or (taken if warehouse.is_embedded else own)
        raise SetupError(f"the warehouse does not let us in: {reason_of(error)}: {cure}") from error


def server() -> EmbeddedServer:
    """Return the embedded server that belongs to this clone."""
    warehouse = target()
    return EmbeddedServer(
        folder=ROOT / ".warehouse",
        host=warehouse.host,
        port=warehouse.port,
        user=warehouse.user,
        password=warehouse.password,
        database=warehouse.database,
    )


def up() -> None:
    """Start the embedded server; check the version of a server of the user's own."""
    make_profiles()
    if target().is_embedded:
        if server().start():
            print(f"warehouse: PostgreSQL is up on {target().host}:{target().port}, data in .warehouse/")
        return
    with connect() as connection:
        major = connection.server_version // 10000
    if not 14 <= major <= 18:
        raise SetupError(f"the warehouse is PostgreSQL {major}: 14 to 18 are supported")


def down() -> None:
    """Stop the embedded server."""
    if not target().is_embedded:
        print("warehouse: a server of your own; it is not ours to stop")
    elif server().stop():
        print("warehouse: stopped")
    else:
        print("warehouse: was not running")


def program(name: str) -> Path:
    """Return one of PostgreSQL's client programs that can talk to the warehouse.

    Raises SetupError where TLS is asked for and only the embedded server's programs are here, which know none.
    """
    if target().sslmode not in NEEDS_TLS:
        return binaries() / name
    found = shutil.which(name)
    if not found:
        raise SetupError(
            f"WAREHOUSE_SSLMODE asks for TLS, which the embedded server's {name} does not know: install PostgreSQL's "
            "client programs, not older than the server (Debian: apt install postgresql-client)"
        )
    return Path(found)


def psql() -> None:
    """Become psql, connected to the warehouse."""
    os.execvpe(program("psql"), ["psql"], os.environ | target().libpq)


def _rendered(path: Path, key: str, value):
    rendered = _render(value)
    if isinstance(rendered, str) and not is_text(rendered):
        raise SetupError(f"{path}: {key} {NO_TEXT}")
    return rendered


def _render(value):
    if not isinstance(value, str):
        return value
    return jinja2.Template(value, undefined=jinja2.StrictUndefined).render(env_var=_env_var)


def _env_var(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise SetupError(f"profiles.yml needs the environment variable {name}, which is not set")
    if not is_text(value):
        raise SetupError(f"{name} {NO_TEXT}")
    return value


def main() -> int:
    """Run the command named on the command line; returns the exit code."""
    commands = {"up": up, "down": down, "psql": psql}
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in commands:
        print("usage: python -m ingest.warehouse up|down|psql", file=sys.stderr)
        return 2
    try:
        commands[name]()
    except (SetupError, EmbeddedError) as error:
        print(f"warehouse: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
