"""Grafana's JSON of a dashboard: the classic model, which files are provisioned in and which 11, 12 and 13 load."""

import re
from typing import Any

from dashboards.panels import OVER_TIME, STATES, Annotation, Dashboard, Panel, Unit, Variable, places
from ingest.project import dbt_vars

SCHEMA = 42
TAG = "business-dashboards"
DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "business-dashboards-warehouse"}
UNITS: dict[Unit, str] = {
    "count": "short",
    "share": "percentunit",
    "milliseconds": "ms",
    "seconds": "s",
    "minutes": "m",
    "bytes": "bytes",
}
# Told apart by the colour-blind too (Okabe and Ito).
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8E8E8E"
ROLES = {"good": GREEN, "warning": ORANGE, "bad": RED, "none": GREY}
HEADER_ID, HEADER_HEIGHT = 1000, 3
LEGEND = {"open": "open", "estimated": "estimated", "before": "the week before", "target": "target"}
# How the columns of a panel over time are drawn where they are not like its values.
DRAWN: dict[str, dict[str, Any]] = {
    "open": {
        "custom.lineStyle": {"fill": "dash", "dash": [6, 6]},
        "custom.showPoints": "always",
        "custom.fillOpacity": 20,
    },
    "estimated": {
        "custom.drawStyle": "points",
        "custom.pointSize": 4,
        "custom.stacking": {"mode": "none", "group": "A"},
        "color": {"mode": "fixed", "fixedColor": ORANGE},
    },
    "before": {
        "custom.drawStyle": "line",
        "custom.lineWidth": 1,
        "custom.fillOpacity": 0,
        "custom.lineStyle": {"fill": "dash", "dash": [2, 4]},
        "custom.stacking": {"mode": "none", "group": "A"},
        "color": {"mode": "fixed", "fixedColor": GREY},
    },
    "target": {
        "custom.drawStyle": "line",
        "custom.lineWidth": 2,
        "custom.fillOpacity": 0,
        "custom.lineStyle": {"fill": "dash", "dash": [12, 4]},
        "custom.stacking": {"mode": "none", "group": "A"},
        "color": {"mode": "fixed", "fixedColor": RED},
    },
}
BUILT_IN_ANNOTATIONS = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": GREY,
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """Return what Grafana loads."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": f"{dashboard.question} {dashboard.description}",
        "tags": [TAG, "public"] if dashboard.is_public else [TAG],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        # Daily bars stand at local midnight, wherever the browser is.
        "timezone": dbt_vars()["business_timezone"],
        "weekStart": "monday",
        "time": {"from": f"now-{dashboard.default_days}d", "to": "now"},
        "timepicker": {},
        "refresh": "5m",
        "links": [] if dashboard.is_public else [_other_dashboards()],
        "templating": {"list": [_variable(variable) for variable in dashboard.variables]},
        "annotations": {"list": [BUILT_IN_ANNOTATIONS, *map(_annotation, dashboard.annotations)]},
        "panels": [_header(dashboard), *_panels(dashboard)],
    }


def form(panel: Panel) -> str:
    """Return the format in which Grafana asks for a panel's rows."""
    return "time_series" if panel.kind in (*OVER_TIME, "stat") else "table"


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    return [
        {
            "id": panel.id,
            "title": panel.title,
            "description": panel.description and f"{panel.question}\n\n{panel.description}",
            "gridPos": {"x": place.x, "y": place.y + HEADER_HEIGHT, "w": place.width, "h": place.height},
            "datasource": DATASOURCE,
            "targets": [_target(panel.sql, form(panel))],
            **PICTURES[panel.kind](panel),
        }
        for panel, place in places(dashboard)
    ]


def _target(sql: str, form: str) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": DATASOURCE,
        "editorMode": "code",
        "format": form,
        "rawQuery": True,
        "rawSql": sql.strip(),
    }


def _header(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "id": HEADER_ID,
        "type": "text",
        "title": "",
        "transparent": True,
        "gridPos": {"x": 0, "y": 0, "w": 24, "h": HEADER_HEIGHT},
        "options": {"mode": "markdown", "content": f"**{dashboard.question}** {dashboard.description}"},
    }


def _other_dashboards() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "Dashboards",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def _variable(variable: Variable) -> dict[str, Any]:
    sql = variable.sql.strip()
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": DATASOURCE,
        "definition": sql,
        "query": sql,
        "refresh": 1,
        "regex": "",
        "sort": 0,
        "multi": variable.multi,
        "includeAll": variable.include_all,
        "current": {"text": ["All"], "value": ["$__all"]} if variable.include_all else {},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "datasource": DATASOURCE,
        "enable": True,
        **_where(annotation.panels),
        "name": annotation.name,
        "target": {**_target(annotation.sql, "table"), "refId": "Anno"},
    }


def _where(panels: tuple[int, ...] | None) -> dict[str, Any]:
    """Return where it stands. What is on all panels has a switch on top; one for each panel would fill a row."""
    if panels is None:
        return {"hide": False, "iconColor": ORANGE}
    return {"hide": True, "iconColor": GREY, "filter": {"exclude": False, "ids": list(panels)}}


def _over_time(panel: Panel) -> dict[str, Any]:
    is_bars, is_stacked = panel.kind == "bars", panel.kind == "stacked"
    custom = {
        "drawStyle": "bars" if is_bars else "line",
        "lineInterpolation": "linear",
        "lineWidth": 0 if is_bars else 2,
        "fillOpacity": {"bars": 80, "stacked": 50}.get(panel.kind, 0),
        "barAlignment": 1,
        "showPoints": "never",
        "pointSize": 5,
        "spanNulls": False,
        "insertNulls": panel.step * 1000,
        "stacking": {"mode": "normal" if is_stacked else "none", "group": "A"},
        "axisPlacement": "auto",
        "axisSoftMin": 0,
        "thresholdsStyle": {"mode": "off"},
    }
    names = {"value": "complete", **LEGEND}
    if panel.has_series:
        names = {name: f"${{__field.labels.series}} ({text})" for name, text in names.items()}
        names["value"] = "${__field.labels.series}"
    drawn = {"value": {}} | {name: how for name, how in DRAWN.items() if re.search(rf"\b{name}\b", panel.sql)}
    return {
        "type": "timeseries",
        "interval": "1h" if panel.grain == "hour" else "1d",
        "fieldConfig": {
            "defaults": {
                **_defaults(panel),
                "color": {"mode": "palette-classic-by-name"} if panel.has_series else _fixed(BLUE),
                "custom": custom,
            },
            "overrides": [_override(name, {**how, "displayName": names[name]}) for name, how in drawn.items()],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _stat(panel: Panel) -> dict[str, Any]:
    better, worse = (GREEN, RED) if panel.direction == "up" else (RED, GREEN)
    change = {
        "displayName": "change to the week before",
        "unit": "percentunit",
        "decimals": 1,
        "color": {"mode": "thresholds"},
        "thresholds": _steps([(None, worse), (0, better)]),
    }
    # A text is a label of each of the panel's columns.
    newest = "of ${__field.labels.day}" if panel.has_day else "last complete"
    return {
        "type": "stat",
        "fieldConfig": {
            "defaults": {**_defaults(panel), "color": _fixed(BLUE)},
            "overrides": [
                _override("value", {"displayName": newest}),
                _override("change", change),
                _override("target", {"displayName": "target", "color": _fixed(GREY)}),
            ],
        },
        "options": {
            # Not lastNotNull: beside the newest value stands its own change, or none.
            "reduceOptions": {"values": False, "calcs": ["last"], "fields": ""},
            "graphMode": "area",
            "colorMode": "value",
            "textMode": "auto",
            "justifyMode": "auto",
            "orientation": "auto",
            "wideLayout": True,
            "showPercentChange": False,
        },
    }


def _gauge(panel: Panel) -> dict[str, Any]:
    defaults = {**_defaults(panel), "min": 0, "color": _fixed(BLUE)}
    if panel.unit == "share":
        defaults["max"] = 1
    if panel.thresholds:
        defaults["color"] = {"mode": "thresholds"}
        defaults["thresholds"] = _steps([(at, ROLES[role]) for at, role in panel.thresholds])
    return {
        "type": "bargauge",
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "reduceOptions": {"values": True, "calcs": ["last"], "fields": "", "limit": 100},
            "displayMode": "basic",
            "orientation": "horizontal",
            "valueMode": "color",
            "namePlacement": "auto",
            "showUnfilled": True,
            "sizing": "auto",
        },
    }


def _state(panel: Panel) -> dict[str, Any]:
    return {
        "type": "stat",
        # A tile is named by the texts beside its own, and after its column where there is another number.
        "transformations": [
            {
                "id": "organize",
                "options": {"excludeByName": {"age_minutes": True}, "indexByName": {}, "renameByName": {}},
            }
        ],
        "fieldConfig": {
            "defaults": {"unit": "string", "noValue": "no rows", "mappings": [_state_colours()]},
            "overrides": [],
        },
        "options": {
            "reduceOptions": {"values": True, "calcs": ["last"], "fields": "/^state$/", "limit": 100},
            "graphMode": "none",
            "colorMode": "background_solid",
            "textMode": "value_and_name",
            "justifyMode": "center",
            "orientation": "vertical",
            "wideLayout": False,
            "showPercentChange": False,
        },
    }


def _cohorts(panel: Panel) -> dict[str, Any]:
    defaults = {
        "unit": UNITS[panel.unit],
        "decimals": 0,
        "min": 0,
        "max": 1,
        "color": {"mode": "continuous-blues"},
        "custom": {"align": "center", "cellOptions": {"type": "color-background", "mode": "basic"}},
    }
    plain = {"custom.cellOptions": {"type": "auto"}}
    overrides = [
        _override("cohort", {**plain, "unit": "time:YYYY-MM-DD"}),
        _override("users", {**plain, "unit": "short"}),
    ]
    return _table_of(defaults, overrides)


def _table(panel: Panel) -> dict[str, Any]:
    overrides = [_override(name, {"unit": UNITS[unit], "decimals": 1}) for name, unit in panel.units.items()]
    state = {"mappings": [_state_colours()], "custom.cellOptions": {"type": "color-text"}}
    return _table_of({"custom": {"align": "auto"}}, [*overrides, _override("state", state)])


def _table_of(defaults: dict[str, Any], overrides: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "table",
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": {"showHeader": True, "cellHeight": "sm"},
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    return {"unit": UNITS[panel.unit], "noValue": "no rows"}


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


def _steps(steps: list[tuple[float | None, str]]) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


def _state_colours() -> dict[str, Any]:
    options = {state: {"index": at, "color": ROLES[role]} for at, (state, role) in enumerate(STATES.items())}
    return {"type": "value", "options": options}


def _override(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


PICTURES = {
    **dict.fromkeys(OVER_TIME, _over_time),
    "stat": _stat,
    "gauge": _gauge,
    "state": _state,
    "cohorts": _cohorts,
    "table": _table,
}
