with daily as (
    select * from {{ ref("mart_daily") }}
    where is_complete
),

metrics as (
    select * from {{ ref("dim_metric") }}
    where is_public
)

select
    daily.time,
    daily.date_day,
    daily.metric,
    metrics.label,
    daily.series,
    daily.labels,
    daily.value,
    daily.unit,
    daily.flags
from daily
inner join metrics on metrics.metric = daily.metric
