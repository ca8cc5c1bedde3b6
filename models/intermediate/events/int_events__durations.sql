with dirty_hours as (
    select hour_at
    from {{ ref("dirty_hours") }}
    where metric = 'events.duration' and stream = 'events.events'
),

-- A negative duration is a clock that went back, and no duration; the event is still counted.
events as (
    select * from {{ ref("stg_events__events") }}
    where duration_ms >= 0
),

labelled as (
    select
        dirty_hours.hour_at,
        events.duration_ms,
        {{ event_label_columns("events") }}
    from dirty_hours
    inner join events on {{ hour_of("events.occurred_at") }} = dirty_hours.hour_at
),

counted as (
    select
        hour_at,
        duration_ms,
        {{ event_label_names() }},
        count(*) as occurrences
    from labelled
    group by hour_at, duration_ms, {{ event_label_names() }}
)

select
    'events.duration' as metric,
    {{ event_labels() }} as labels,
    hour_at,
    duration_ms,
    occurrences
from counted
