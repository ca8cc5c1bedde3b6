{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
    where day_from = 'hours'
),

hourly as (
    select * from {{ ref("int_measured__hourly") }}
)

select
    hourly.series_id,
    hourly.metric,
    (hourly.hour_at at time zone 'UTC')::date as utc_day,
    {{ roll_up("metrics.kind", "hourly.value", "hourly.sample_count", "hourly.hour_at") }} as value
from hourly
inner join metrics on metrics.metric = hourly.metric
group by hourly.series_id, hourly.metric, utc_day, metrics.kind
