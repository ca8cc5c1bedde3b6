with dirty_days as (
    select
        metric,
        date_day
    from {{ ref("dirty_days") }}
),

metrics as (
    select
        metric,
        kind
    from {{ ref("metrics") }}
    where day_from = 'hours'
),

hourly as (
    select * from {{ ref("fct_metric_hourly") }}
),

reported as (
    select * from {{ ref("int_metrics__reported") }}
),

-- Each day by itself: `offset 0` hands its bounds down to the index. As a join, PostgreSQL may read all hours ever of a
-- metric for each of its days (600 series and a year: 5 s of CPU for one new hour).
hours_of_days as (
    select
        dirty_days.date_day,
        metrics.kind,
        hours.*
    from dirty_days
    inner join metrics on metrics.metric = dirty_days.metric
    cross join lateral (
        select hourly.*
        from hourly
        where hourly.metric = dirty_days.metric
            and hourly.hour_at >= {{ day_start("dirty_days.date_day") }}
            and hourly.hour_at < {{ day_start("dirty_days.date_day + 1") }}
        {{ fence() }}
    ) as hours
),

days as (
    select
        series_id,
        date_day,
        metric,
        {{ roll_up("kind", "value", "sample_count", "hour_at") }} as value,
        'derived' as origin,
        count(*)::int as hours_observed,
        {{ hours_in_day("date_day") }} as hours_expected,
        sum(sample_count)::int as sample_count,
        bool_or(is_estimated) as is_estimated
    from hours_of_days
    group by series_id, date_day, metric, kind
),

unioned as (
    select * from days
    union all
    select
        series_id,
        date_day,
        metric,
        value,
        'reported' as origin,
        null::int as hours_observed,
        {{ hours_in_day("date_day") }} as hours_expected,
        sample_count,
        is_estimated
    from reported
)

select * from unioned
