"""python -m dashboards.generate: write what is made of the definitions and kept in git."""

import json
from pathlib import Path

from dashboards.definitions import DASHBOARDS
from dashboards.exposures import exposures
from dashboards.grafana import dashboard_json
from ingest.project import ROOT

FOLDER = ROOT / "dashboards" / "grafana"


def files() -> dict[Path, str]:
    """Return path -> text of each file: Grafana's JSON a dashboard, and dbt's exposures."""
    grafana = {
        FOLDER / f"{dashboard.slug}.json": json.dumps(dashboard_json(dashboard), indent=2, ensure_ascii=False) + "\n"
        for dashboard in DASHBOARDS
    }
    return grafana | {ROOT / "models" / "marts" / "_dashboards__exposures.yml": exposures(DASHBOARDS)}


def main() -> None:
    """Write the files, and remove those of dashboards that are no more."""
    made = files()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text)
    print(f"dashboards: wrote {len(made)} files")


if __name__ == "__main__":
    main()
