"""docs/from-bonobo.md names no command, table, test or metric that is not there."""

import csv
import importlib.util
import re

from ingest.project import ROOT
from ingest.sources import SOURCES

TEXT = (ROOT / "docs" / "from-bonobo.md").read_text()
MADE_BY_INGEST = {"raw.reads", "ops.runs"} | {
    f"raw.{table.name}" for source in SOURCES.values() for table in source.TABLES
}


def registry() -> dict[str, str]:
    """Return metric -> its legacy_name."""
    with (ROOT / "seeds" / "metrics.csv").open() as file:
        return {line["metric"]: line["legacy_name"] for line in csv.DictReader(file)}


def test_every_command_is_there():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"\bmake ([a-z-]+)", TEXT))
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    modules = re.findall(r"python -m ([\w.]+)(?: (\w+))?", TEXT)
    assert {source for _, source in modules} == set(SOURCES)
    assert all(importlib.util.find_spec(module) for module, _ in modules)


def test_every_table_is_there():
    named = set(re.findall(r"`((?:raw|core|marts|ops)\.\w+)`", TEXT))
    built = {f"{path.parts[-3]}.{path.stem}" for path in (ROOT / "models").glob("*/*/*.sql")}
    built |= {f"{path.parent.name}.{path.stem}" for path in (ROOT / "models").glob("*/*.sql")}
    assert named <= built | MADE_BY_INGEST
    assert (ROOT / "tests" / "dbt" / "every_old_name_has_one_value.sql").exists()


def test_every_old_name_is_that_of_its_metric():
    table = re.search(r"\| old name \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT)[1]
    old_names = dict(re.findall(r"\| `(.+)` \| `(.+)` \|", table))
    patterns = {metric: name for metric, name in registry().items() if name}
    assert set(old_names.values()) == set(patterns)
    for name, metric in old_names.items():
        pattern = "[^.]+".join(re.escape(part) for part in re.split(r"\{\w+\}", patterns[metric]))
        assert re.fullmatch(pattern, name), name
