"""May the numbers be believed, and if not, what is to be done?"""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import freshness

SOURCES = ("events", "google_analytics", "pipeline", "prometheus", "spiders", "website")


def _tile(id: int, title: str, question: str, description: str, value: str) -> Panel:
    """Return the panel for a count as of now, an expression over ops.sources: 0 is well."""
    return Panel(
        id=id,
        title=title,
        question=question,
        description=description + "Below it, when the latest run of any source began.",
        kind="stat",
        sql=f"""
select
    max(last_run_at) as time,
    {value} as value
from ops.sources
having count(*) > 0
""",
        grain="hour",
        direction="down",
        follows_range=False,
        width=8,
        height=5,
    )


PIPELINE = Dashboard(
    uid="bd-pipeline",
    slug="pipeline-health",
    title="Pipeline health",
    question="Are the numbers kept up?",
    description=(
        "How fresh each source and metric is, what the last runs and builds said and how long they took, which hours "
        "were never read, what was restated, and how large it all is."
    ),
    sources=SOURCES,
    default_days=30,
    panels=(
        _tile(
            13,
            "Metrics that are late",
            "Are the numbers kept up?",
            "How many metrics were read longer ago than fresh_minutes in seeds/metrics.csv allows (which: below). ",
            "(select count(*) filter (where not is_fresh) from ops.freshness)",
        ),
        _tile(
            14,
            "Sources whose latest run failed",
            "Did the last run read them all?",
            "How many sources' latest run failed or never ended. ",
            "count(*) filter (where state = 'failed')",
        ),
        _tile(
            15,
            "Alerts that are open",
            "Is anything to be told?",
            "How many rows ops.alerts has (docs/alerts.md): what is late, failed, odd or missed its target. ",
            "(select count(*) from ops.alerts)",
        ),
        freshness(1, SOURCES),
        Panel(
            id=16,
            title="What people would be told now",
            question="Which alerts are open?",
            description=(
                "The rows of ops.alerts: what is late, failed, odd or missed its target, whom to ask, and the page of "
                "docs/runbooks that says what to do. None is well."
            ),
            kind="table",
            sql="""
select
    subject,
    problem,
    owner,
    runbook
from ops.alerts
order by alert
""",
            follows_range=False,
            width=24,
            height=7,
        ),
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
                "seeds/metrics.csv): at 100 % it is late. The 15 that come nearest to it, or are past it; "
                "ops.freshness has all. A metric that was never read has no bar."
            ),
            kind="gauge",
            sql="""
select
    metric as label,
    age_minutes::float8 / fresh_minutes as value
from ops.freshness
where age_minutes is not null
order by age_minutes::float8 / fresh_minutes desc, metric
limit 15
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
            title="Hours that no read held whole, by stream",
            question="Where are numbers missing?",
            description=(
                "Of the 23, 24 or 25 hours of each business day that is over, those that no read held whole: nobody "
                "asked, or the source was down; whether it had anything is another question. Those of a stream's first "
                "day before it began are among them. The stream that misses most comes first."
            ),
            kind="table",
            sql="""
select
    stream,
    sum(hours_read)::float8 / sum(hours_in_day) as read,
    sum(hours_in_day - hours_read)::bigint as missing,
    count(*) filter (where hours_read < hours_in_day) as "on days",
    max(date_day) filter (where hours_read < hours_in_day)::text as "the last on"
from ops.coverage_daily
where is_over and $__timeFilter(time)
group by stream
order by missing desc, stream
""",
            units={"read": "share"},
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
        Panel(
            id=8,
            title="Models and tests: what failed, and what takes longest",
            question="Did the last build do its work, and is it getting slower?",
            description=(
                "Each model, test and seed of dbt as it ended last, with how long it took and how much longer than the "
                "median of its runs of the 7 days before. Those that failed come first, then the slowest: 20 of them."
            ),
            kind="table",
            sql="""
select
    node,
    resource_type as type,
    status,
    seconds as took,
    change,
    row_count as rows,
    started_at as "latest run",
    message
from ops.latest_nodes
order by is_failed desc, seconds desc, node
limit 20
""",
            units={"took": "seconds", "change": "share"},
            follows_range=False,
            width=24,
            height=9,
        ),
        Panel(
            id=9,
            title="Time for hours to land, by stream",
            question="How long after its end is an hour there?",
            description=(
                "From the end of an hour to the start of the first read that held it whole: the time in which half, "
                "95 % and 99 % of the hours of the last 30 days landed, and the longest. What a stream's first read "
                "brought of the past did not lag, so a warehouse of one run has none."
            ),
            kind="table",
            sql="""
select
    stream,
    hours,
    p50_seconds as half,
    p95_seconds as "95 %",
    p99_seconds as "99 %",
    max_seconds as longest
from ops.landing_lag
order by max_seconds desc nulls last, stream
""",
            units={"half": "seconds", "95 %": "seconds", "99 %": "seconds", "longest": "seconds"},
            follows_range=False,
            width=12,
            height=9,
        ),
        Panel(
            id=10,
            title="Values that changed a day, by reason",
            question="Are more numbers restated than usual?",
            description=(
                "How many complete hours and days got another value on each business day, by the clock on the wall: "
                "late (rows came after), restated (they changed), definition (the metric's rule did). Newest first."
            ),
            kind="table",
            sql="""
select
    date_day::text as day,
    max(revisions) filter (where reason = 'late') as late,
    max(revisions) filter (where reason = 'restated') as restated,
    max(revisions) filter (where reason = 'definition') as definition
from ops.revisions_daily
where $__timeFilter(time)
group by date_day
order by date_day desc
""",
            width=12,
            height=9,
        ),
        Panel(
            id=11,
            title="Tables by size",
            question="What fills the disk?",
            description=(
                "The tables of raw, core, marts and ops, their indexes included, as large as they are now, and by how "
                "much each grew a day over the last week. Growth is told from the third day on. Rows are "
                "PostgreSQL's estimate."
            ),
            kind="table",
            sql="""
select
    name as "table",
    bytes as size,
    growth_a_day as "a day",
    row_estimate as rows
from ops.table_sizes
order by bytes desc, name
""",
            units={"size": "bytes", "a day": "bytes"},
            follows_range=False,
            width=12,
            height=9,
        ),
        Panel(
            id=12,
            title="Quota of Google Analytics",
            question="May the next run ask all it wants?",
            description=(
                "What the latest run left of each part of the property's quota, and the least that a run of the 7 days "
                "up to it left. A run that would get into the reserve stops, and the next one goes on."
            ),
            kind="table",
            sql="""
select
    property_id as property,
    replace(bucket, '_', ' ') as quota,
    remaining as "left",
    least_of_week as "least of the week",
    asked_at as "latest run"
from ops.quota
order by property_id, bucket
""",
            follows_range=False,
            width=12,
            height=9,
        ),
    ),
)
