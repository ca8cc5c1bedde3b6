"""The id of a series: the same everywhere and for ever."""

import hashlib
import json

import pytest

LABELS = [
    {},
    {"type": "login"},
    {"b": "2", "a": "1", "B": "3", "é": "ü"},
    {"type": 'quote " and \\ backslash / slash'},
    {"type": "line\nfeed\ttab\u0001\u001f\u007f", "emoji": "🕷"},
    {"type": ""},
]


def series_id(metric: str, labels: dict[str, str]) -> int:
    """First 8 bytes of the sha256 of compact JSON, keys in byte order, as design.md says it."""
    pairs = sorted(([key, value] for key, value in labels.items()), key=lambda pair: pair[0].encode())
    text = json.dumps([metric, pairs], ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


@pytest.fixture
def series_sql(company) -> str:
    """The macro as dbt renders it, for parameters metric and labels."""
    inline = "select {{ series_id('%s::text', '%s::jsonb') }}"
    company.capfd.readouterr()
    result = company.dbt("compile", "--quiet", "--inline", inline)
    assert result.success, company.capfd.readouterr().out
    return result.result.results[0].node.compiled_code


def test_the_macro_gives_the_id_that_the_rule_says(company, series_sql):
    for labels in LABELS:
        found = company.value(series_sql, ("a.metric", json.dumps(labels)))
        assert found == series_id("a.metric", labels), labels


def test_hours_have_one_text_in_macro_and_python(company):
    from ingest.hours import hour_of

    result = company.dbt("compile", "--quiet", "--inline", "{{ hour_of('x') }}")
    assert result.result.results[0].node.compiled_code.strip() == hour_of("x")
