with runs as (
    select * from {{ ref("stg_ingest__runs") }}
),

latest_runs as (
    select * from {{ ref("latest_runs") }}
),

metrics as (
    select
        *,
        split_part(stream, '.', 1) as source
    from {{ ref("freshness") }}
    where stream is not null
),

-- The week before the latest run and not before now: a warehouse that is looked at later says the same.
weeks as (
    select
        runs.source,
        count(*) as runs,
        count(*) filter (where runs.outcome = 'failed') as failed_runs
    from runs
    inner join latest_runs on latest_runs.source = runs.source
    where runs.started_at > latest_runs.started_at - interval '7 days'
    group by runs.source
),

ages as (
    select
        source,
        case when bool_and(last_complete_hour is not null) then min(last_complete_hour) + interval '1 hour' end as complete_until,
        max(age_minutes) as age_minutes,
        bool_or(read_at is not null) as is_read,
        bool_and(is_fresh) as is_fresh
    from metrics
    group by source
)

select
    latest_runs.source,
    case
        when latest_runs.outcome = 'off' then 'off'
        when latest_runs.is_failed then 'failed'
        when not coalesce(ages.is_read, false) then 'never read'
        when ages.is_fresh then 'fresh'
        else 'late'
    end as state,
    ages.complete_until,
    ages.age_minutes,
    latest_runs.started_at as last_run_at,
    latest_runs.outcome as last_outcome,
    extract(epoch from latest_runs.finished_at - latest_runs.started_at)::float8 as last_run_seconds,
    weeks.runs as runs_of_week,
    weeks.failed_runs as failed_runs_of_week,
    latest_runs.message
from latest_runs
inner join weeks on weeks.source = latest_runs.source
left join ages on ages.source = latest_runs.source
