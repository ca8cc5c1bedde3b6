with hourly as (
    select * from {{ ref("mart_hourly") }}
),

coverage as (
    select * from {{ ref("fct_coverage_hourly") }}
),

-- A series that was last complete longer ago has ended, and its latest value says nothing of today.
latest as (
    select distinct on (hourly.series_id)
        hourly.*
    from hourly
    where hourly.is_complete
        and hourly.time > (select max(coverage.hour_at) from coverage) - interval '90 days'
    order by hourly.series_id, hourly.time desc
)

select
    latest.metric,
    latest.series_id,
    latest.series,
    latest.time,
    latest.value,
    week_before.value as value_week_before,
    latest.value / nullif(week_before.value, 0) - 1 as change,
    latest.unit,
    latest.stage,
    latest.flags,
    latest.target
from latest
left join hourly as week_before
    on week_before.series_id = latest.series_id
    and week_before.time = {{ week_before("latest.time") }}
    and week_before.is_complete
