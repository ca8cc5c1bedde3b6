with dirty_hours as (
    select
        stream,
        metric,
        hour_at
    from {{ ref("dirty_hours") }}
    where stream like 'google_analytics.%'
),

hours as (
    select * from {{ ref("stg_google_analytics__hours") }}
)

select
    hours.metric,
    hours.labels,
    dirty_hours.hour_at,
    hours.value,
    null::int as sample_count,
    'observed' as origin,
    hours.is_estimated
from dirty_hours
inner join hours
    on {{ hour_of("hours.hour_at") }} = dirty_hours.hour_at
    and hours.stream = dirty_hours.stream
    and hours.metric = dirty_hours.metric
