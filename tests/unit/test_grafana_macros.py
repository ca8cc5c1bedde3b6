"""The macros of Grafana's PostgreSQL source, as its own code expands them."""

import datetime as dt

import pytest

from dashboards.macros import MacroError, expand

START = dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)
END = dt.datetime(2026, 6, 30, 12, 30, 0, 500_000, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("sql", "expanded"),
    [
        ("$__time(at)", 'at AS "time"'),
        ("$__timeEpoch(at)", 'extract(epoch from at) as "time"'),
        ("$__timeFilter(at)", "at BETWEEN '2026-06-01T00:00:00Z' AND '2026-06-30T12:30:00.5Z'"),
        ("$__timeFrom()::timestamptz", "'2026-06-01T00:00:00Z'::timestamptz"),
        ("$__timeTo()", "'2026-06-30T12:30:00.5Z'"),
        ("$__timeGroup(at,'1h')", "floor(extract(epoch from at)/3600)*3600"),
        ("$__timeGroup(at, '5m'), 1", 'floor(extract(epoch from at)/300)*300 AS "time", 1'),
        ("$__timeGroupAlias(at,$__interval)", 'floor(extract(epoch from at)/3600)*3600 AS "time"'),
        ("$__unixEpochFilter(at)", "at >= 1780272000 AND at <= 1782822600"),
        ("$__unixEpochNanoFilter(at)", "at >= 1780272000000000000 AND at <= 1782822600000000000"),
        ("$__unixEpochFrom() $__unixEpochTo()", "1780272000 1782822600"),
        ("$__unixEpochGroup(at,'1d')", "floor((at)/86400)*86400"),
        ("$__unixEpochGroupAlias(at,'1d')", 'floor((at)/86400)*86400 AS "time"'),
        ("in (${type:sqlstring})", "in ('it''s','b')"),
    ],
)
def test_a_macro_becomes_what_grafana_makes_of_it(sql, expanded):
    assert expand(sql, START, END, {"type": ("it's", "b")}) == expanded


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("$__timefilter(at)", "unknown macro $__timefilter"),
        ("$__timeGroup(at)", "$__timeGroup needs another argument"),
        ("$__timeGroup(at,'hour')", "'hour' is no interval"),
        ("$__timeFilter(f(at))", "$__timeFilter(f(at: its argument ends at the first parenthesis that closes"),
        ("= ${kind:sqlstring}", "there is no variable kind"),
        ("= ${type}", "${type} is not quoted: write ${type:sqlstring}"),
        ("= ${type:csv}", "${type:csv} is not quoted: write ${type:sqlstring}"),
        ("= $type", "$type is no macro and no variable"),
    ],
)
def test_what_grafana_would_refuse_or_not_quote_is_named(sql, complaint):
    with pytest.raises(MacroError) as refused:
        expand(sql, START, END, {"type": ("a",)})
    assert complaint in str(refused.value)


def test_a_value_may_hold_a_dollar():
    assert expand("= ${type:sqlstring}", START, END, {"type": ("5 $",)}) == "= '5 $'"


def test_a_long_range_has_a_longer_interval():
    assert expand("$__interval_ms", START, START + dt.timedelta(days=365)) == "31536000"
