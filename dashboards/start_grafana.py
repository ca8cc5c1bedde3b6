"""Start the Grafana that is installed here with the dashboards in it: python -m dashboards.start_grafana

Its data go to .warehouse/grafana, and it listens on 127.0.0.1 only, port 3000 or GRAFANA_PORT.
"""

import os
import secrets
import shutil
import sys
from contextlib import closing
from pathlib import Path

from dashboards.generate import FOLDER
from ingest import warehouse
from ingest.errors import SetupError
from ingest.project import ROOT
from roles.make import make
from roles.readers import GRAFANA_READER

# Where packages put what is not a program: Debian's and Red Hat's, Homebrew's.
HOMES = ("/usr/share/grafana", "/opt/homebrew/share/grafana", "/usr/local/share/grafana")
HOW = (
    "there is no grafana here: install it (https://grafana.com/docs/grafana/latest/setup-grafana/installation/), or, "
    "with Docker, `docker compose up`; `make site` needs neither"
)


def command() -> list[str]:
    """Return the command that starts the server; raises SetupError where it is not installed whole."""
    program = shutil.which("grafana") or shutil.which("grafana-server")
    if program is None:
        raise SetupError(HOW)
    home = _home(Path(program).resolve())
    server = [program, "server"] if Path(program).name == "grafana" else [program]
    return [*server, "--homepath", str(home)]


def environment(word: str) -> dict[str, str]:
    """Return what Grafana is told: where the dashboards are, and how it gets into the warehouse."""
    target = warehouse.target()
    data = ROOT / ".warehouse" / "grafana"
    return os.environ | {
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(ROOT / "dashboards" / "provisioning"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": os.environ.get("GRAFANA_PORT", "3000"),
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "DASHBOARDS_FOLDER": str(FOLDER),
        "WAREHOUSE_HOST": target.host,
        "WAREHOUSE_PORT": str(target.port),
        "WAREHOUSE_DATABASE": target.database,
        "WAREHOUSE_SSLMODE": _sslmode(),
        "WAREHOUSE_SSLROOTCERT": target.sslrootcert,
        "GRAFANA_DB_USER": GRAFANA_READER.name,
        "GRAFANA_DB_PASSWORD": word,
    }


def _home(program: Path) -> Path:
    """Return the folder with Grafana's defaults: beside the program in a tarball, else where packages put it."""
    for folder in (program.parents[1], *map(Path, HOMES)):
        if (folder / "conf" / "defaults.ini").exists():
            return folder
    raise SetupError(f"{program} has no conf/defaults.ini beside it, nor in {', '.join(HOMES)}: install Grafana anew")


def _sslmode() -> str:
    """Return the sslmode for Grafana, which has no `prefer`: what that comes to with this server."""
    mode = warehouse.target().sslmode
    if mode not in ("prefer", "allow"):
        return mode
    with closing(warehouse.connect()) as connection:
        return "require" if connection.info.ssl_in_use else "disable"


def main() -> int:
    """Become Grafana; returns the exit code where that is not possible."""
    try:
        started = command()
        if not os.environ.get(GRAFANA_READER.word):
            # One for this Grafana alone, which nobody has to keep.
            os.environ[GRAFANA_READER.word] = secrets.token_urlsafe(18)
            make([GRAFANA_READER])
        told = environment(os.environ[GRAFANA_READER.word])
    except SetupError as error:
        print(f"grafana: {error}", file=sys.stderr)
        return 2
    print(
        f"grafana: http://127.0.0.1:{told['GF_SERVER_HTTP_PORT']}, admin with password admin at first; Ctrl-C ends it"
    )
    sys.stdout.flush()
    os.execvpe(started[0], started, told)


if __name__ == "__main__":
    sys.exit(main())
