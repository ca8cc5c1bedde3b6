-- Not unread_sources: its test fails just when there is something to tell, and dbt would skip what hangs on it.
with latest_runs as (
    select * from {{ ref("latest_runs") }}
),

unread as (
    select
        source,
        problem
    from latest_runs
    where is_failed
),

freshness as (
    select * from {{ ref("freshness") }}
),

targets as (
    select * from {{ ref("mart_targets") }}
),

anomalies as (
    select * from {{ ref("mart_anomalies_latest") }}
),

latest_targets as (
    select * from {{ ref("mart_targets_latest") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

steps as (
    select * from {{ ref("stg_ingest__steps") }}
),

latest_builds as (
    select *
    from steps
    where step = 'build' and finished_at is not null
    order by step_id desc
    limit 1
),

sources as (
    select
        'source ' || source as alert,
        source as subject,
        null::text as owner,
        'could not be read: ' || problem as problem,
        'a-source-is-down' as runbook
    from unread
),

-- Where the whole source could not be read, that is the alert.
late as (
    select
        'late ' || freshness.metric as alert,
        freshness.metric as subject,
        metrics.owner,
        coalesce('was read ' || freshness.age_minutes || ' minutes ago', 'was never read')
        || ', promised every ' || freshness.fresh_minutes as problem,
        'late-data' as runbook
    from freshness
    inner join metrics on metrics.metric = freshness.metric
    where not freshness.is_fresh
        and not exists (
            select from unread
            where unread.source = split_part(freshness.stream, '.', 1)
        )
),

budgets as (
    select
        'budget ' || grain || ' ' || series as alert,
        series as subject,
        owner,
        'has spent its error budget of ' || window_days || ' days: ' || round(ratio::numeric, 6)
        || ' where ' || target || ' is the target' as problem,
        'a-target-is-missed' as runbook
    from targets
    where budget_left < 0 and grain = 'day'
),

missed as (
    select
        concat_ws(' ', 'target', grain, series, statistic) as alert,
        concat_ws(' ', series, statistic) as subject,
        owner,
        'missed its target ' || {{ in_words("grain", "time") }} || case grain when 'hour' then ' and in the two before' else '' end
        || ': ' || {{ as_text("value") }} || ' where at ' || case direction when 'up' then 'least ' else 'most ' end
        || {{ as_text("target") }} || ' is the target' as problem,
        'a-target-is-missed' as runbook
    from latest_targets
    where is_alarming
),

odd as (
    select
        concat_ws(' ', 'anomaly', grain, series) as alert,
        series as subject,
        owner,
        case reason
            when 'missing' then 'has no value'
            when 'level_shift' then 'is at a new level'
            when 'drift' then 'drifts'
            else 'is ' || reason
        end
        || ' ' || {{ in_words("grain", "time") }} || ': ' || coalesce({{ as_text("value") }} || ' where ', '')
        || case
            when upper is null then {{ as_text("expected") }}
            when lower is null then 'at most ' || {{ as_text("upper") }}
            else {{ as_text("lower") }} || ' to ' || {{ as_text("upper") }}
        end
        || ' was expected' as problem,
        'an-anomaly' as runbook
    from anomalies
),

builds as (
    select
        'build' as alert,
        'dbt build' as subject,
        null::text as owner,
        message as problem,
        'a-build-fails' as runbook
    from latest_builds
    where exit_code <> 0
),

unioned as (
    select * from sources
    union all
    select * from late
    union all
    select * from budgets
    union all
    select * from missed
    union all
    select * from odd
    union all
    select * from builds
)

select
    alert,
    subject,
    owner,
    problem,
    runbook
from unioned
