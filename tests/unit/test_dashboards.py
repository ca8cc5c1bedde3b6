"""The definitions of the dashboards, and what is made of them, without a warehouse."""

import json
import re

import pytest
import yaml

from dashboards import alerts, structure
from dashboards.definitions import DASHBOARDS
from dashboards.exposures import tables
from dashboards.generate import FOLDER, files
from dashboards.grafana import DATASOURCE, dashboard_json
from dashboards.panels import OVER_TIME, places
from ingest.project import ROOT

PROVISIONING = ROOT / "dashboards" / "provisioning"


def test_the_files_in_git_are_what_the_definitions_make():
    for path, text in files().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)} is not what `make dashboards` writes"
    assert {path for path in files() if path.suffix == ".json"} == set(FOLDER.glob("*.json"))


def test_grafana_has_nothing_to_complain_of():
    assert list(structure.problems([dashboard_json(dashboard) for dashboard in DASHBOARDS], alerts.rules())) == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.slug)
def test_a_panel_says_what_it_counts_and_what_it_does_not(dashboard):
    for panel in dashboard.panels:
        assert panel.title
        assert panel.question.endswith("?")
        assert panel.description.endswith(".")
        assert (panel.grain is not None) == (panel.kind in (*OVER_TIME, "stat", "cohorts"))
    rows = {}
    for _, place in places(dashboard):
        rows[place.y] = rows.get(place.y, 0) + place.width
    assert set(rows.values()) == {24}, "a row of panels is not full"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.slug)
def test_a_dashboard_says_how_fresh_its_sources_are(dashboard):
    states = [panel for panel in dashboard.panels if panel.kind == "state"]
    if dashboard.is_public:
        assert tables(dashboard) == [("marts", "mart_public")]
    else:
        assert len(states) == 1
        assert all(f"'{source}'" in states[0].sql for source in dashboard.sources)


def test_a_restated_value_is_marked_on_the_panels_that_show_it_alone():
    overview = next(dashboard for dashboard in DASHBOARDS if dashboard.slug == "overview")
    marks = {panel: mark.sql for mark in overview.annotations for panel in mark.panels or ()}
    assert set(marks) == {4, 5}
    assert "(metric = 'objects.created') and grain = 'day'" in marks[4]
    assert "(metric = 'http.error_ratio') and grain = 'day'" in marks[5]
    listed = dashboard_json(overview)["annotations"]["list"]
    assert [mark.get("filter", {}).get("ids") for mark in listed] == [None, None, [4], [5]]
    assert all(panel.kind in OVER_TIME for dashboard in DASHBOARDS for panel in dashboard.panels if panel.restated)


def test_tiles_that_are_of_other_days_say_in_grafana_of_which():
    activation = next(dashboard for dashboard in DASHBOARDS if dashboard.slug == "activation")
    tiles = [panel for panel in dashboard_json(activation)["panels"] if panel["type"] == "stat"]
    newest = [
        properties["value"]
        for tile in tiles
        for override in tile["fieldConfig"]["overrides"]
        for properties in override["properties"]
        if override["matcher"]["options"] == "value" and properties["id"] == "displayName"
    ]
    assert newest == ["of ${__field.labels.day}"] * 3 + ["last complete"]


def test_the_public_dashboard_is_one():
    assert [dashboard.slug for dashboard in DASHBOARDS if dashboard.is_public] == ["public"]


def test_each_alert_rule_reduces_its_rows_and_compares_them():
    groups = yaml.safe_load(alerts.RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["uid"] for rule in rules}) == len({rule["title"] for rule in rules}) == len(rules) == 6
    for rule in rules:
        query, reduced, compared = rule["data"]
        assert query["model"]["format"] == "time_series"
        assert (reduced["model"]["type"], reduced["model"]["expression"]) == ("reduce", query["refId"])
        assert (compared["model"]["type"], compared["model"]["expression"]) == ("threshold", reduced["refId"])
        assert rule["condition"] == compared["refId"]
        assert [step["model"]["refId"] for step in rule["data"]] == [step["refId"] for step in rule["data"]]
        assert {reduced["datasourceUid"], compared["datasourceUid"]} == {"__expr__"}
        # A label that the query does not give would be shown as it is written.
        shown = re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))
        assert all(re.search(rf"^ +{label},$", query["model"]["rawSql"], re.MULTILINE) for label in shown)
    assert [rule["noDataState"] for rule in rules if "not-fresh" in rule["uid"]] == ["Alerting"]


def test_the_data_source_is_the_one_that_the_dashboards_name():
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "warehouse.yaml").read_text())["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == DATASOURCE
    assert source["secureJsonData"] == {"password": "$GRAFANA_DB_PASSWORD"}


def test_what_the_provisioning_asks_for_is_given():
    """Each $VARIABLE is set where Grafana is started by us."""
    asked = set()
    for path in PROVISIONING.glob("*/*.yaml"):
        asked |= set(re.findall(r"\$([A-Z][A-Z_]+)", re.sub("#.*", "", path.read_text())))
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert asked <= set(compose["services"]["grafana"]["environment"])
    started = (ROOT / "dashboards" / "start_grafana.py").read_text()
    assert all(f'"{name}"' in started for name in asked)


def test_grafanas_own_types_know_each_key():
    """What is read by its types and written again has lost nothing, and changed nothing."""
    sdk = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason="its SDK needs Python 3.11")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins

    register_default_plugins()
    for dashboard in DASHBOARDS:
        ours = dashboard_json(dashboard)
        theirs = json.loads(JSONEncoder().encode(sdk.Dashboard.from_json(ours)))
        assert list(lost(ours, theirs)) == []
        ours["panels"][1]["fieldConfig"]["defaults"]["untt"] = "short"
        theirs = json.loads(JSONEncoder().encode(sdk.Dashboard.from_json(ours)))
        assert list(lost(ours, theirs)) == [".panels[1].fieldConfig.defaults.untt"]


def lost(ours, theirs, path=""):
    """Give the places at which theirs has not what ours has."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from lost(value, theirs.get(key), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(one, other, f"{path}[{at}]")
    elif ours != theirs:
        yield path


def test_the_docs_name_what_is_there():
    text = (ROOT / "docs" / "grafana.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in re.findall(r"make ([a-z-]+)(?=[`\s])", text))
    for dashboard in DASHBOARDS:
        assert f"| {dashboard.title} | {dashboard.question}" in text
    paths = set(re.findall(r"`((?:dashboards|seeds)/[\w./-]+)`", text))
    assert all((ROOT / path).exists() for path in paths)
    provisioned = set(re.findall(r"`([\w-]+\.yaml\.example)`", text))
    assert provisioned == {path.name for path in (PROVISIONING / "alerting").glob("*.example")}
