"""Where this project is, and what its `dbt_project.yml` says that ingest needs too."""

from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


@cache
def dbt_vars() -> dict:
    """Return the `vars` of `dbt_project.yml`."""
    return yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
