{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

facts as not materialized (
    select * from {{ ref("fct_metric_daily") }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

dates as (
    select * from {{ ref("dim_date") }}
),

-- A derived day is complete when all of its hours are.
stored as (
    select
        facts.date_day,
        facts.metric,
        facts.series_id,
        facts.value,
        facts.origin,
        facts.is_estimated,
        false as is_zero_filled,
        covered.is_complete,
        facts.built_at
    from facts
    inner join metrics on metrics.metric = facts.metric
    cross join lateral (
        {{ covered_day("metrics", "facts.date_day") }}
    ) as covered
),

-- A day of which an hour was read and that has no row is a zero, from the series' first day on.
zeros as (
    select
        dates.date_day,
        series.metric,
        series.series_id,
        0::float8 as value,
        case metrics.day_from when 'source' then 'reported' else 'derived' end as origin,
        false as is_estimated,
        true as is_zero_filled,
        covered.is_complete,
        null::timestamptz as built_at
    from metrics
    inner join series on series.metric = metrics.metric
    {{ join_first_fact("date_day") }}
    inner join dates on dates.date_day > first_fact.date_day
    cross join lateral (
        {{ covered_day("metrics", "dates.date_day") }}
    ) as covered
    where metrics.zero_fill
        and covered.hours > 0
        and not exists (
            select from facts
            where facts.series_id = series.series_id and facts.date_day = dates.date_day
        )
)

select * from stored
union all
select * from zeros
