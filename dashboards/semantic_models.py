"""dbt's semantic layer: the registry as MetricFlow can express it, over mart_daily, for `mf query`."""

import csv
import json
import re
from pathlib import Path

from dashboards.exposures import indented
from ingest.project import ROOT

REGISTRY = ROOT / "seeds" / "metrics.csv"
# What splits the metrics of the sources that come with the project; the labels that ratios name are added.
LABELS = (
    "channel",
    "object",
    "outcome",
    "reason",
    "resource_type",
    "result",
    "source",
    "spider",
    "status",
    "stream",
    "table",
    "type",
)
MEASURES = {"counter": "sum_of_values", "stock": "sum_of_last_values"}
ENTITY = "series_day"
# Of another dbt can parse nothing.
NAME = re.compile(r"[a-z](_?[a-z0-9])*")
JINJA = re.compile(r"\{[{%#]")


def registry(path: Path = REGISTRY) -> list[dict[str, str]]:
    """Return the lines of the registry, each by its columns, as text."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def name(metric: str) -> str:
    """Return what MetricFlow calls a metric; its names have no dots."""
    return metric.replace(".", "_")


def expressible(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the lines that one measure can say: sums of counters, of last stocks, and the ratios of these."""
    nameable = [line for line in lines if NAME.fullmatch(name(line["metric"]))]
    measured = {line["metric"] for line in nameable if line["kind"] in MEASURES and line["across_labels"] == "sum"}
    return [
        line
        for line in nameable
        if line["metric"] in measured
        or (line["kind"] == "ratio" and {line["numerator"], line["denominator"]} <= measured)
    ]


def semantic_models(lines: list[dict[str, str]]) -> str:
    """Return the YAML file of the semantic model and its metrics."""
    by_metric = {line["metric"]: line for line in lines}
    metrics = [_ratio(line, by_metric) if line["kind"] == "ratio" else _measured(line) for line in expressible(lines)]
    text = indented({"semantic_models": [_days(_label_keys(lines))], "metrics": metrics})
    return "# Made of seeds/metrics.csv by `make dashboards`.\n" + text


def _days(labels: list[str]) -> dict:
    """Return the one semantic model: days of series, with their labels and whether to believe them."""
    texts = {"metric": "metric", "series": "series"} | {key: f"labels ->> {_quoted(key)}" for key in labels}
    flags = {"is_complete": "is_complete", "is_estimated": "'estimated' = any(flags)"}
    last = {"name": "date_day", "window_choice": "max", "window_groupings": ["series_id"]}
    return {
        "name": "days",
        "description": "One row per series and business day that was measured.",
        "model": "ref('mart_daily')",
        "defaults": {"agg_time_dimension": "date_day"},
        "primary_entity": ENTITY,
        "entities": [{"name": "series_id", "type": "foreign"}],
        "dimensions": [
            {"name": "date_day", "type": "time", "type_params": {"time_granularity": "day"}},
            *({"name": key, "type": "categorical", "expr": expr} for key, expr in (texts | flags).items()),
        ],
        "measures": [
            {"name": MEASURES["counter"], "agg": "sum", "expr": "value"},
            {"name": MEASURES["stock"], "agg": "sum", "expr": "value", "non_additive_dimension": last},
        ],
    }


def _measured(line: dict[str, str]) -> dict:
    # The condition is the metric's, not its measure's: two metrics of a measure could make no ratio then.
    metric = _metric(line, "simple", {"measure": MEASURES[line["kind"]]})
    return metric | {"filter": _filter({"metric": line["metric"]})}


def _ratio(line: dict[str, str], by_metric: dict[str, dict[str, str]]) -> dict:
    """Return a ratio as the mart has it; a numerator that was read and has no row is a 0 where it is filled so."""
    above, below = by_metric[line["numerator"]], by_metric[line["denominator"]]
    # Only where the denominator's rows tell that the numerator was read too.
    is_zero = above["zero_fill"] == "true" and above["stream"] == below["stream"]
    expr = f"{'coalesce(above, 0)' if is_zero else 'above'} / nullif(below, 0)"
    sides = [_side(line, "numerator", "above"), _side(line, "denominator", "below")]
    return _metric(line, "derived", {"expr": expr, "metrics": sides})


def _side(line: dict[str, str], side: str, alias: str) -> dict:
    labels = json.loads(line[f"{side}_labels"] or "{}")
    return {"name": name(line[side]), "alias": alias} | ({"filter": _filter(labels)} if labels else {})


def _metric(line: dict[str, str], kind: str, parameters: dict) -> dict:
    return {
        "name": name(line["metric"]),
        "label": _verbatim(line["label"]),
        "description": _verbatim(line["description"]),
        "type": kind,
        "type_params": parameters,
        "config": {"meta": {"metric": _verbatim(line["metric"]), "unit": _verbatim(line["unit"])}},
    }


def _filter(labels: dict[str, str | list[str]]) -> str:
    """Return MetricFlow's condition: each label has its value, or one of its values."""
    lists = {key: value if isinstance(value, list) else [value] for key, value in labels.items()}
    conditions = [
        f"{{{{ Dimension('{ENTITY}__{key}') }}}} in ({', '.join(map(_quoted, values))})"
        for key, values in lists.items()
    ]
    return " and ".join(conditions)


def _quoted(text: str) -> str:
    escaped = _verbatim(text).replace("'", "''")
    return f"'{escaped}'"


def _verbatim(text: str) -> str:
    """Return what dbt takes for this text: it would run the Jinja that is in a text of YAML."""
    return JINJA.sub(lambda found: f'{{{{ "{found[0]}" }}}}', text)


def _label_keys(lines: list[dict[str, str]]) -> list[str]:
    texts = [line[f"{side}_labels"] for line in lines for side in ("numerator", "denominator")]
    return sorted({*LABELS, *(key for text in texts if text for key in json.loads(text))})
