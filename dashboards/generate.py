"""python -m dashboards.generate: write what is made of the definitions and the registry and kept in git."""

import json
from pathlib import Path

from dashboards.definitions import DASHBOARDS
from dashboards.exposures import exposures
from dashboards.grafana import dashboard_json
from dashboards.semantic_models import registry, semantic_models
from ingest.project import ROOT

FOLDER = ROOT / "dashboards" / "grafana"
MARTS = ROOT / "models" / "marts"


def files() -> dict[Path, str]:
    """Return path -> text of each file: Grafana's JSON a dashboard, dbt's exposures and its semantic models."""
    grafana = {
        FOLDER / f"{dashboard.slug}.json": json.dumps(dashboard_json(dashboard), indent=2, ensure_ascii=False) + "\n"
        for dashboard in DASHBOARDS
    }
    return grafana | {
        MARTS / "_dashboards__exposures.yml": exposures(DASHBOARDS),
        MARTS / "_registry__semantic_models.yml": semantic_models(registry()),
    }


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
