{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

facts as (
    select * from {{ ref("fct_duration_hourly") }}
),

coverage as (
    select * from {{ ref("fct_coverage_hourly") }}
)

select
    facts.series_id,
    facts.metric,
    facts.hour_at,
    {{ day_of("facts.hour_at") }} as date_day,
    facts.count,
    facts.sum,
    facts.min,
    facts.max,
    facts.buckets,
    facts.counts,
    coalesce(coverage.read_at >= {{ settled_at("facts.hour_at", "metrics") }}, false) as is_complete,
    facts.built_at
from facts
inner join metrics on metrics.metric = facts.metric
left join coverage on coverage.stream = metrics.stream and coverage.hour_at = facts.hour_at
