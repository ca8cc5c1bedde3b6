with dirty_days as (
    select
        stream,
        metric,
        date_day
    from {{ ref("dirty_days") }}
    where stream like 'prometheus.%'
),

days as (
    select * from {{ ref("stg_prometheus__days") }}
)

-- A day that was asked for in another business time zone starts at no midnight of this one, and is none of its days.
select
    days.metric,
    days.labels,
    dirty_days.date_day,
    days.value,
    null::int as sample_count,
    false as is_estimated
from dirty_days
inner join days
    on days.day_at = {{ day_start("dirty_days.date_day") }}
    and days.stream = dirty_days.stream
    and days.metric = dirty_days.metric
