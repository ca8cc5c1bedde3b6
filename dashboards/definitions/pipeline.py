"""May the numbers be believed, and if not, what is to be done?"""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import freshness

SOURCES = ("events", "google_analytics", "prometheus", "spiders", "website")

PIPELINE = Dashboard(
    uid="bd-pipeline",
    slug="pipeline-health",
    title="Pipeline health",
    question="Are the numbers kept up?",
    description=(
        "How fresh each source and metric is, what the last runs said, which hours were never read, and what was "
        "restated. What the tests of dbt found is not stored; `dbt build` says it."
    ),
    sources=SOURCES,
    default_days=30,
    panels=(
        freshness(1, SOURCES),
        Panel(
            id=2,
            title="Findings",
            question="Is there anything to do?",
            description="What the pipeline watches in itself, how many it found as of now, and what to do. 0 is well.",
            kind="table",
            sql="""
select
    finding,
    found,
    cure as "what to do"
from ops.findings
order by place
""",
            follows_range=False,
            width=24,
            height=9,
        ),
        Panel(
            id=3,
            title="Sources and their latest run",
            question="What did the last run of each source say?",
            description=(
                "Each source that has ever run. Runs and failed are those of the 7 days up to its latest run. The age "
                "is that of the read of the latest hour, of the metric for which it is oldest."
            ),
            kind="table",
            sql="""
select
    source,
    state,
    complete_until as "complete until",
    age_minutes as age,
    last_run_at as "latest run",
    last_run_seconds as took,
    runs_of_week as runs,
    failed_runs_of_week as failed,
    message
from ops.sources
order by source
""",
            units={"age": "minutes", "took": "seconds"},
            follows_range=False,
            width=24,
            height=8,
        ),
        Panel(
            id=4,
            title="Age of the latest read over what is allowed, by metric",
            question="Which metric is late?",
            description=(
                "How old the read of each metric's latest hour is, over how old it may be (fresh_minutes in "
                "seeds/metrics.csv): at 100 % it is late. A metric that was never read has no bar."
            ),
            kind="gauge",
            sql="""
select
    metric as label,
    age_minutes::float8 / fresh_minutes as value
from ops.freshness
where age_minutes is not null
order by age_minutes::float8 / fresh_minutes desc, metric
""",
            unit="share",
            direction="down",
            thresholds=((None, "good"), (0.75, "warning"), (1, "bad")),
            follows_range=False,
            width=12,
            height=12,
        ),
        Panel(
            id=5,
            title="Share of each day's hours that were read whole, by stream",
            question="Where are numbers missing?",
            description=(
                "Of the 23, 24 or 25 hours of each business day, how many one read held whole. Below 100 % nobody "
                "asked, or the source was down; whether it had anything is another question. Today is not over."
            ),
            kind="line",
            sql="""
select
    time,
    stream as series,
    case when is_over then share_read end as value,
    case when not is_over then share_read end as open
from ops.coverage_daily
where $__timeFilter(time)
order by time, stream
""",
            unit="share",
            grain="day",
            has_series=True,
            direction="up",
            width=12,
            height=12,
        ),
        Panel(
            id=6,
            title="Rows read a day, by stream",
            question="How much is read, and is it as always?",
            description=(
                "Rows that the finished reads of each business day found, those read again included. By the day on "
                "which the read began, by the clock of ingest."
            ),
            kind="stacked",
            sql="""
select
    time,
    stream as series,
    rows_read as value
from ops.reads_daily
where rows_read is not null and $__timeFilter(time)
order by time, stream
""",
            grain="day",
            has_series=True,
            width=12,
            height=9,
        ),
        Panel(
            id=7,
            title="Restated values, by metric",
            question="How far may yesterday still move?",
            description=(
                "How many complete values of the range a later read changed, and by how much at most, in the metric's "
                "unit; of a ratio, the values that it is made of. A changed definition is none. Durations and active "
                "users have no record of it."
            ),
            kind="table",
            sql="""
select
    metrics.label as metric,
    coalesce(sum(restated.value_count) filter (where restated.grain = 'hour'), 0)::bigint as hours,
    coalesce(sum(restated.value_count) filter (where restated.grain = 'day'), 0)::bigint as days,
    max(restated.largest_change) as "largest change",
    metrics.unit,
    max(restated.revised_at) as "last change"
from marts.mart_metrics as metrics
left join (
    select
        metric,
        grain,
        value_count,
        largest_change,
        revised_at
    from marts.mart_restated
    where $__timeFilter(time)
) as restated on restated.metric = metrics.metric
where metrics.kind <> 'duration'
group by metrics.label, metrics.unit, metrics.metric
order by hours desc, metrics.metric
""",
            width=12,
            height=9,
        ),
    ),
)
