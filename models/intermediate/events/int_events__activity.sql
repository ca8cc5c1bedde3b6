with dirty_days as (
    select distinct date_day
    from {{ ref("dirty_days") }}
    where stream = 'events.events'
),

dirty_hours as (
    select
        dirty_days.date_day,
        hours.hour_at
    from dirty_days
    cross join lateral {{ hours_of_day("dirty_days.date_day") }} as hours (hour_at)
),

events as (
    select * from {{ ref("stg_events__events") }}
    where user_id is not null
)

select
    events.user_id,
    dirty_hours.date_day,
    events.type,
    'events.events' as stream,
    count(*)::int as event_count
from dirty_hours
inner join events on {{ hour_of("events.occurred_at") }} = dirty_hours.hour_at
group by events.user_id, dirty_hours.date_day, events.type
