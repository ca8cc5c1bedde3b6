"""python -m dashboards.documentation: dbt's documentation as one page, of what `dbt docs generate` has written.

The page is that of `dbt docs generate --static`, but no text of the project can end the script that it stands in, which
a metric's label could there (dbt-core 1.11).
"""

import json
import os
import sys
from pathlib import Path

from dashboards.site.render import as_json
from ingest.project import ROOT

PAGE = "static_index.html"


def main() -> int:
    """Write the page; returns the exit code."""
    folder = ROOT / os.environ.get("DBT_TARGET_PATH", "target")
    (folder / PAGE).write_text(_page(folder), encoding="utf-8")
    print(f"open {os.path.relpath(folder / PAGE)} in a browser")
    return 0


def _page(folder: Path) -> str:
    page = (folder / "index.html").read_text(encoding="utf-8")
    for name in ("manifest.json", "catalog.json"):
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        page = page.replace(f'"{name.upper()} INLINE DATA"', as_json(content))
    return page


if __name__ == "__main__":
    sys.exit(main())
