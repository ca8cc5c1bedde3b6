{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

facts as not materialized (
    select * from {{ ref("fct_metric_hourly") }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

stored as (
    select
        facts.hour_at,
        facts.metric,
        facts.series_id,
        facts.value,
        facts.sample_count,
        facts.origin,
        facts.is_estimated,
        false as is_zero_filled,
        covered.is_complete,
        facts.built_at
    from facts
    inner join metrics on metrics.metric = facts.metric
    cross join lateral (
        {{ covered_hour("metrics", "facts.hour_at") }}
    ) as covered
),

-- An hour that was read whole and has no row is a zero, from the series' first hour on.
zeros as (
    select
        coverage.hour_at,
        series.metric,
        series.series_id,
        0::float8 as value,
        0 as sample_count,
        'observed' as origin,
        false as is_estimated,
        true as is_zero_filled,
        coverage.read_at >= {{ settled_at("coverage.hour_at", "metrics") }} as is_complete,
        null::timestamptz as built_at
    from metrics
    inner join series on series.metric = metrics.metric
    {{ join_first_fact("hour_at") }}
    inner join coverage on coverage.stream = metrics.stream and coverage.hour_at > first_fact.hour_at
    where metrics.zero_fill
        and not exists (
            select from facts
            where facts.series_id = series.series_id and facts.hour_at = coverage.hour_at
        )
)

select * from stored
union all
select * from zeros
