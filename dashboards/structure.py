"""Whether Grafana's JSON is whole: what can be seen without a warehouse, and without a Grafana."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from dashboards.alerts import Rule
from dashboards.grafana import DATASOURCE, SCHEMA
from dashboards.panels import GRID

# Kinds of panel of which Grafana needs to know what one is; of the others each column has its own.
WITH_UNIT = ("timeseries", "stat", "bargauge")
PUBLIC_MART = "marts.mart_public"
RELATION = re.compile(r"\b(?:from|join)\s+(\w+\.\w+)", re.IGNORECASE)


def problems(dashboards: Sequence[dict[str, Any]], rules: Sequence[Rule]) -> Iterator[str]:
    """Give what is wrong with the dashboards and alert rules of one Grafana, a line each."""
    for name in ("uid", "title"):
        for value, count in Counter(dashboard.get(name) for dashboard in dashboards).items():
            if not value or count > 1:
                yield f"{count} dashboards have the {name} {value!r}"
    for dashboard in dashboards:
        for problem in _problems_of(dashboard):
            yield f"{dashboard.get('title')}: {problem}"
    panels = {(dashboard.get("uid"), panel.get("id")) for dashboard in dashboards for panel in dashboard["panels"]}
    for rule in rules:
        if (rule.dashboard_uid, rule.panel_id) not in panels:
            yield f"alert {rule.title}: there is no panel {rule.panel_id} of {rule.dashboard_uid}"
        if rule.datasource_uid != DATASOURCE["uid"]:
            yield f"alert {rule.title}: its data source is not {DATASOURCE['uid']}"


def _problems_of(dashboard: dict[str, Any]) -> Iterator[str]:
    if dashboard.get("schemaVersion") != SCHEMA:
        yield f"schemaVersion is not {SCHEMA}"
    if "id" in dashboard:
        yield "it has an id: Grafana gives it one"
    panels = dashboard["panels"]
    for id, count in Counter(panel.get("id") for panel in panels).items():
        if id is None or count > 1:
            yield f"{count} panels have the id {id}"
    yield from _problems_of_places(panels)
    for panel in panels:
        if panel["type"] != "text":
            for problem in _problems_of_panel(panel):
                yield f"panel {panel.get('id')}: {problem}"
    for annotation in dashboard["annotations"]["list"]:
        if not annotation.get("builtIn") and annotation["datasource"] != DATASOURCE:
            yield f"annotation {annotation['name']}: its data source is not {DATASOURCE['uid']}"
    if "public" in dashboard["tags"]:
        yield from _problems_of_public(dashboard)


def _problems_of_places(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] < 0 or place["w"] < 1 or place["x"] + place["w"] > GRID:
            yield f"panel {panel.get('id')} does not fit in {GRID} columns"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"panels {one.get('id')} and {other.get('id')} overlap"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h"))
    )


def _problems_of_panel(panel: dict[str, Any]) -> Iterator[str]:
    for name in ("title", "description"):
        if not panel.get(name):
            yield f"it has no {name}"
    if panel["type"] in WITH_UNIT and not panel["fieldConfig"]["defaults"].get("unit"):
        yield "it has no unit"
    for asked in (panel, *panel["targets"]):
        if asked.get("datasource") != DATASOURCE:
            yield f"its data source is not {DATASOURCE['uid']}"


def _problems_of_public(dashboard: dict[str, Any]) -> Iterator[str]:
    if dashboard["templating"]["list"]:
        yield "a public dashboard can have no variables"
    if any(not annotation.get("builtIn") for annotation in dashboard["annotations"]["list"]):
        yield "a public dashboard can have no annotations by SQL"
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            if "${" in target["rawSql"]:
                yield f"panel {panel['id']}: a public dashboard can have no variables"
            others = set(RELATION.findall(target["rawSql"])) - {PUBLIC_MART}
            if others:
                yield f"panel {panel['id']}: a public dashboard reads {PUBLIC_MART}, not {', '.join(sorted(others))}"
