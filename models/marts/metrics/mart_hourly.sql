with measured as (
    select * from {{ ref("int_measured__hourly") }}
),

ratios as (
    select * from {{ ref("int_ratio__hourly") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

targets as (
    select * from {{ ref("dim_target") }}
    where grain = 'hour'
),

of_series as (
    select
        measured.hour_at,
        measured.metric,
        measured.series_id,
        series.series,
        series.labels,
        measured.value,
        measured.is_complete,
        {{ flags("measured.is_complete", "measured.origin", "measured.is_estimated", "measured.is_zero_filled") }} as flags,
        measured.built_at
    from measured
    inner join series on series.series_id = measured.series_id
),

of_ratios as (
    select
        hour_at,
        metric,
        series_id,
        metric as series,
        '{}'::jsonb as labels,
        value,
        is_complete,
        {{ flags("is_complete", "'observed'", "is_estimated", "false") }} as flags,
        built_at
    from ratios
),

unioned as (
    select * from of_series
    union all
    select * from of_ratios
)

select
    unioned.hour_at as time,
    unioned.metric,
    unioned.series_id,
    unioned.series,
    unioned.labels,
    unioned.value,
    metrics.unit,
    metrics.stage,
    unioned.is_complete,
    unioned.flags,
    unioned.built_at,
    targets.target
from unioned
inner join metrics on metrics.metric = unioned.metric
left join targets
    on targets.series_id = unioned.series_id
    and {{ day_of("unioned.hour_at") }} >= targets.valid_from
    and {{ day_of("unioned.hour_at") }} < targets.valid_until
