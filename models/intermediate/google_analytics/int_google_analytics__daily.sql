with dirty_days as (
    select
        stream,
        metric,
        date_day
    from {{ ref("dirty_days") }}
    where stream like 'google_analytics.%'
),

days as (
    select * from {{ ref("stg_google_analytics__days") }}
)

-- The property's date is the business day of the same date; where their zones differ, ingest says so in is_estimated.
select
    days.metric,
    days.labels,
    dirty_days.date_day,
    days.value,
    null::int as sample_count,
    days.is_estimated
from dirty_days
inner join days
    on days.date_day = dirty_days.date_day
    and days.stream = dirty_days.stream
    and days.metric = dirty_days.metric
