"""Any metric, any of its series."""

from dashboards.panels import Dashboard, Panel, Variable
from dashboards.shared import (
    DAYS_RANGE,
    HAPPENED,
    HOURS_RANGE,
    anomalies,
    closed_and_open,
    closed_open_estimated,
    freshness,
)

SOURCES = ("events", "google_analytics", "pipeline", "prometheus", "spiders", "website")
CHOSEN = "metric = ${metric:sqlstring} and series = any (array[${series:sqlstring}]::text[])"


def _chosen(mart: str, durations: str, in_range: str) -> str:
    return f"""
select
    time,
    series,
    {closed_open_estimated("value")},
    target
from marts.{mart}
where {CHOSEN} and {in_range}
union all
select
    time,
    series,
    {closed_and_open("p95")},
    null as estimated,
    null as target
from marts.{durations}
where {CHOSEN} and {in_range}
order by time, series
"""


EXPLORER = Dashboard(
    uid="bd-explorer",
    slug="metric-explorer",
    title="Metric explorer",
    question="What was it, hour by hour and day by day?",
    description=(
        "Choose a metric of the registry that has series, and which of them. Of a duration it is the 95th percentile. "
        "Series are shown each for itself: whether they may be put together is the metric's business."
    ),
    sources=SOURCES,
    default_days=30,
    variables=(
        Variable(
            name="metric",
            label="Metric",
            sql="""
select
    label || ' (' || metric || ')' as __text,
    metric as __value
from marts.mart_metrics as metrics
where exists (select from marts.mart_series as series where series.metric = metrics.metric)
order by stage is null, stage, fresh_minutes, label, metric
""",
        ),
        Variable(
            name="series",
            label="Series",
            sql="""
select
    series as __text,
    series as __value
from marts.mart_series
where metric = ${metric:sqlstring}
order by series
""",
            multi=True,
            include_all=True,
        ),
    ),
    panels=(
        Panel(
            id=1,
            title="What is it?",
            question="What does it count, and whom do I ask?",
            description="What the registry (seeds/metrics.csv) says of the metric.",
            kind="table",
            sql="""
select
    label as metric,
    description as "what it counts",
    unit,
    kind,
    stage,
    case direction when 'up' then 'more' else 'less' end as "better is",
    owner
from marts.mart_metrics
where metric = ${metric:sqlstring}
""",
            follows_range=False,
            width=24,
            height=4,
        ),
        Panel(
            id=2,
            title="By day",
            question="How does it go?",
            description=(
                "The value of each business day by the rule of the metric's kind, in its unit; of a duration the 95th "
                "percentile. Today is drawn apart, estimated days are marked, a target is a line. What was not "
                "measured is a gap."
            ),
            kind="line",
            sql=_chosen("mart_daily", "mart_duration_daily", DAYS_RANGE),
            grain="day",
            has_series=True,
            restated="metric = ${metric:sqlstring}",
            width=24,
            height=9,
        ),
        Panel(
            id=3,
            title="By hour",
            question="What happened, hour by hour?",
            description=(
                "The value of each hour, at most the last 31 days of the range; of a duration the 95th percentile. "
                "The hours that may still change are drawn apart, estimated ones are marked. What was not measured is "
                "a gap; a metric that its source reports by day only has none."
            ),
            kind="line",
            sql=_chosen("mart_hourly", "mart_duration_hourly", HOURS_RANGE),
            grain="hour",
            has_series=True,
            restated="metric = ${metric:sqlstring}",
            width=24,
            height=9,
        ),
        Panel(
            id=4,
            title="Days, newest first",
            question="What exactly was it, and what is to be known of it?",
            description=(
                "Each business day of the range with its flags: open (it may grow), reconstructed and estimated "
                "(worked out later, a lower bound), no_rows (it was read, and there were none); built is when the "
                "value last changed. Of a duration the 95th percentile. At most 1,000 rows."
            ),
            kind="table",
            sql=f"""
select
    date_day::text as day,
    series,
    value,
    unit,
    target,
    is_complete as complete,
    array_to_string(flags, ', ') as flags,
    built_at as built
from marts.mart_daily
where {CHOSEN} and {DAYS_RANGE}
union all
select
    date_day::text,
    series,
    p95,
    unit,
    null,
    is_complete,
    case when not is_complete then 'open' else '' end,
    built_at
from marts.mart_duration_daily
where {CHOSEN} and {DAYS_RANGE}
order by day desc, series
limit 1000
""",
            in_unit=("value", "target"),
            width=24,
            height=10,
        ),
        Panel(
            id=5,
            title="Restated values",
            question="What was I shown before?",
            description=(
                "The days of which a complete value was changed by a later read, and how often: late rows, or rows "
                "that the source took back. A changed definition is none. The first line counts all of them."
            ),
            kind="table",
            sql="""
select
    'all' as day,
    count(*) as days,
    coalesce(sum(value_count), 0)::bigint as "values",
    max(largest_change) as "largest change",
    max(revised_at) as changed
from marts.mart_restated
where metric = ${metric:sqlstring} and $__timeFilter(time)
union all
select
    date_day::text || ' by ' || grain,
    1,
    value_count,
    largest_change,
    revised_at
from marts.mart_restated
where metric = ${metric:sqlstring} and $__timeFilter(time)
order by day desc
limit 1000
""",
            width=24,
            height=8,
        ),
        Panel(
            id=7,
            title="Not as expected",
            question="When was it not as in the weeks before, and what was expected?",
            description=(
                "Complete hours (at most of the last 31 days of the range) and days that lie outside the band of the "
                "weeks before, are missing or drift (docs/anomalies.md). The first line counts all of them; at most "
                "200 are shown. Durations are not judged, nor what has too little history."
            ),
            kind="table",
            sql=f"""
with found as (
{anomalies(f"{CHOSEN} and {HOURS_RANGE}", f"{CHOSEN} and {DAYS_RANGE}").strip()}
)

select
    null::timestamptz as "when",
    'all' as grain,
    count(*)::text as "what",
    null as reason,
    null::float8 as value,
    null::float8 as expected,
    null::float8 as "at least",
    null::float8 as "at most",
    null as unit
from found
union all
select
    time,
    grain,
    series,
    reason,
    value,
    expected,
    "at least",
    "at most",
    unit
from found
order by "when" desc, "what"
limit 200
""",
            in_unit=("value", "expected", "at least", "at most"),
            width=24,
            height=9,
        ),
        freshness(6, SOURCES),
    ),
    annotations=(HAPPENED,),
)
