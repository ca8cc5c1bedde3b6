with measured as (
    select * from {{ ref("int_measured__daily") }}
),

ratios as (
    select * from {{ ref("int_ratio__daily") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

targets as (
    select * from {{ ref("dim_target") }}
    where grain = 'day'
),

of_series as (
    select
        measured.date_day,
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
        date_day,
        metric,
        series_id,
        metric as series,
        '{}'::jsonb as labels,
        value,
        is_complete,
        {{ flags("is_complete", "'derived'", "is_estimated", "false") }} as flags,
        built_at
    from ratios
),

unioned as (
    select * from of_series
    union all
    select * from of_ratios
)

select
    {{ day_start("unioned.date_day") }} as time,
    unioned.date_day,
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
    and unioned.date_day >= targets.valid_from
    and unioned.date_day < targets.valid_until
