"""dbt's exposures: the dashboards, so that the lineage in `dbt docs` ends at them."""

import re

import yaml

from dashboards.panels import Dashboard

TABLE = re.compile(r"\b(?:from|join)\s+(\w+)\.(\w+)")
OWNER = "product"


class _Indented(yaml.SafeDumper):
    """Lists stand in from their key, as in the YAML beside it."""

    def increase_indent(self, flow=False, indentless=False):
        """Return what PyYAML does where lists may not stand below their key."""
        return super().increase_indent(flow, False)


def indented(content: dict) -> str:
    """Return content as YAML, in the style of the files beside it."""
    return yaml.dump(content, Dumper=_Indented, sort_keys=False, width=110)


def tables(dashboard: Dashboard) -> list[tuple[str, str]]:
    """Return the schemas and views that a dashboard reads, sorted."""
    asked = [*dashboard.panels, *dashboard.variables, *dashboard.annotations]
    return sorted({found for each in asked for found in TABLE.findall(each.sql)})


def exposures(dashboards: tuple[Dashboard, ...]) -> str:
    """Return the YAML file of all dashboards."""
    found = [
        {
            "name": f"dashboard_{dashboard.slug.replace('-', '_')}",
            "label": dashboard.title,
            "type": "dashboard",
            "maturity": "high",
            "description": f"{dashboard.question} {dashboard.description}",
            "owner": {"name": OWNER},
            "depends_on": [f"ref('{model}')" for _, model in tables(dashboard)],
        }
        for dashboard in dashboards
    ]
    return "# Made of dashboards/definitions by `make dashboards`.\n" + indented({"exposures": found})
