with dates as (
    select * from {{ ref("dim_date") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

ratio_series as (
    select * from {{ ref("int_ratio__series") }}
),

revisions as not materialized (
    select * from {{ ref("fct_metric_revision") }}
    where reason <> 'definition'
),

-- A ratio was shown otherwise wherever a series on either side of it was.
shown as (
    select
        metric,
        series_id
    from series
    union
    select
        metric,
        series_id
    from ratio_series
),

-- Day by day (`offset 0`), so that a range of days reads just its revisions: of a million 60 ms against 1 s. A zero that
-- was never stored was shown as 0.
restated as (
    select
        dates.starts_at as time,
        dates.date_day,
        metrics.metric,
        metrics.label,
        metrics.unit,
        of_day.grain,
        count(*) as value_count,
        metrics.kind = 'ratio' as is_ratio,
        max(abs(
            coalesce(of_day.new_value, case when metrics.zero_fill then 0 end)
            - coalesce(of_day.old_value, case when metrics.zero_fill then 0 end)
        )) filter (where metrics.kind <> 'ratio') as largest_change,
        max(of_day.revised_at) as revised_at
    from dates
    cross join lateral (
        select
            revisions.series_id,
            revisions.grain,
            revisions.old_value,
            revisions.new_value,
            revisions.revised_at
        from revisions
        where revisions.period_at >= dates.starts_at
            and revisions.period_at < {{ day_start("dates.date_day + 1") }}
        {{ fence() }}
    ) as of_day
    inner join shown on shown.series_id = of_day.series_id
    inner join metrics on metrics.metric = shown.metric
    group by
        dates.starts_at, dates.date_day, metrics.metric, metrics.label, metrics.unit, metrics.kind, of_day.grain
)

select
    time,
    date_day,
    metric,
    label,
    grain,
    value_count,
    largest_change,
    revised_at,
    label || ': ' || value_count || ' restated' || case when is_ratio then ' of what it is made of' else '' end || coalesce(
        ', by at most ' || trim_scale(round(largest_change::numeric, 2)) || ' ' || unit, ''
    ) as text,
    'restated' as tags
from restated
