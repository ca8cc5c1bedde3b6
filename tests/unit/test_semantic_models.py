"""What of the registry MetricFlow is told, without a warehouse."""

import re

import yaml

from dashboards.semantic_models import expressible, registry, semantic_models
from ingest.project import ROOT

COUNTER = {"metric": "a.count", "kind": "counter", "across_labels": "sum", "stream": "a.rows", "zero_fill": "true"}
RATIO = {
    "metric": "a.share",
    "kind": "ratio",
    "across_labels": "none",
    "numerator_labels": "",
    "denominator_labels": "",
}
WORDS = {"label": "A", "description": "B", "unit": "C"}


def expr(above: dict[str, str]) -> str:
    """Return what the share of another metric in a.count is."""
    lines = [
        line | WORDS for line in (COUNTER, above, RATIO | {"numerator": above["metric"], "denominator": "a.count"})
    ]
    lines = [{"numerator_labels": "", "denominator_labels": ""} | line for line in lines]
    return yaml.safe_load(semantic_models(lines))["metrics"][-1]["type_params"]["expr"]


def test_a_numerator_is_a_zero_only_where_the_denominator_tells_that_it_was_read():
    above = COUNTER | {"metric": "a.other"}
    assert expr(above) == "coalesce(above, 0) / nullif(below, 0)"
    assert expr(above | {"stream": "b.rows"}) == expr(above | {"zero_fill": "false"}) == "above / nullif(below, 0)"


def test_what_would_be_added_up_and_may_not_be_is_left_out():
    across = [COUNTER | {"metric": f"a.{rule}", "across_labels": rule} for rule in ("none", "mean")]
    kinds = [COUNTER | {"metric": f"a.{kind}", "kind": kind} for kind in ("gauge", "reported", "duration")]
    ratios = [
        RATIO | {"metric": f"a.of_{line['metric']}", "numerator": "a.count", "denominator": line["metric"]}
        for line in (*across, *kinds)
    ]
    assert expressible([COUNTER, *across, *kinds, *ratios]) == [COUNTER]


def test_a_quote_in_a_label_stays_in_it():
    share = RATIO | WORDS | {"numerator": "a.count", "denominator": "a.count", "numerator_labels": '{"k": "l\'a"}'}
    made = yaml.safe_load(
        semantic_models([COUNTER | WORDS | {"numerator_labels": "", "denominator_labels": ""}, share])
    )
    assert made["metrics"][-1]["type_params"]["metrics"][0]["filter"] == "{{ Dimension('series_day__k') }} in ('l''a')"
    assert {"name": "k", "type": "categorical", "expr": "labels ->> 'k'"} in made["semantic_models"][0]["dimensions"]


def test_the_docs_name_each_metric_that_is_left_out():
    text = (ROOT / "docs" / "metricflow.md").read_text()
    lines = registry()
    said = {line["metric"] for line in expressible(lines)}
    table = set(re.findall(r"`([a-z_0-9]+(?:\.[a-z_0-9]+)+)`", "".join(re.findall(r"^\| .*", text, re.MULTILINE))))
    assert {line["metric"] for line in lines} - said == table
