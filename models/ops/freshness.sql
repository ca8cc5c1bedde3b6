with metrics as (
    select * from {{ ref("dim_metric") }}
),

-- Read twice, so PostgreSQL would materialize it, and sort it for every metric.
coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

runs as (
    select * from {{ ref("stg_ingest__runs") }}
),

latest_runs as (
    select distinct on (source)
        source,
        outcome
    from runs
    order by source, started_at desc
),

-- A ratio has no stream: it is as fresh as the older of its two sides.
parts as (
    select
        metric,
        metric as part
    from metrics
    where kind <> 'ratio'
    union all
    select
        metric,
        numerator as part
    from metrics
    where kind = 'ratio'
    union all
    select
        metric,
        denominator as part
    from metrics
    where kind = 'ratio'
),

-- The read that held the latest hour: an old range that was read again makes nothing fresh.
read as (
    select
        parts.metric,
        latest.read_at,
        complete.hour_at as last_complete_hour,
        latest_runs.outcome is distinct from 'off' as is_on
    from parts
    inner join metrics on metrics.metric = parts.part
    left join latest_runs on latest_runs.source = split_part(metrics.stream, '.', 1)
    left join lateral (
        select coverage.read_at
        from coverage
        where coverage.stream = metrics.stream
        order by coverage.hour_at desc
        limit 1
    ) as latest on true
    left join lateral (
        select coverage.hour_at
        from coverage
        where coverage.stream = metrics.stream
            and coverage.read_at >= {{ settled_at("coverage.hour_at", "metrics") }}
        order by coverage.hour_at desc
        limit 1
    ) as complete on true
),

-- A side that was never read leaves nothing to tell of the whole.
whole as (
    select
        metric,
        case when bool_and(read_at is not null) then min(read_at) end as read_at,
        case when bool_and(last_complete_hour is not null) then min(last_complete_hour) end as last_complete_hour
    from read
    group by metric
    having bool_and(is_on)
),

aged as (
    select
        whole.*,
        floor(extract(epoch from {{ now() }} - whole.read_at) / 60)::int as age_minutes
    from whole
)

select
    aged.metric,
    metrics.stream,
    aged.last_complete_hour,
    aged.read_at,
    aged.age_minutes,
    metrics.fresh_minutes,
    coalesce(aged.age_minutes between 0 and metrics.fresh_minutes, false) as is_fresh
from aged
inner join metrics on metrics.metric = aged.metric
where metrics.status = 'active'
