"""What the alert rules of Grafana ask (dashboards/provisioning/alerting/rules.yaml)."""

import datetime as dt
from dataclasses import dataclass

import yaml

from ingest.project import ROOT

RULES = ROOT / "dashboards" / "provisioning" / "alerting" / "rules.yaml"


@dataclass(frozen=True)
class Rule:
    """One rule: its SQL, how far back it looks, and the panel that it links to."""

    uid: str
    title: str
    sql: str
    window: dt.timedelta
    dashboard_uid: str
    panel_id: int
    datasource_uid: str


def rules() -> list[Rule]:
    """Return the rules of the file."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [_rule(rule) for group in groups for rule in group["rules"]]


def _rule(rule: dict) -> Rule:
    query = next(step for step in rule["data"] if "rawSql" in step["model"])
    return Rule(
        uid=rule["uid"],
        title=rule["title"],
        sql=query["model"]["rawSql"],
        window=dt.timedelta(seconds=query["relativeTimeRange"]["from"]),
        dashboard_uid=rule["dashboardUid"],
        panel_id=rule["panelId"],
        datasource_uid=query["datasourceUid"],
    )
