with dirty_hours as (
    select hour_at
    from {{ ref("dirty_hours") }}
    where metric = 'events.count' and stream = 'events.events'
),

events as (
    select * from {{ ref("stg_events__events") }}
),

labelled as (
    select
        dirty_hours.hour_at,
        {{ event_label_columns("events") }}
    from dirty_hours
    inner join events on {{ hour_of("events.occurred_at") }} = dirty_hours.hour_at
),

counted as (
    select
        hour_at,
        {{ event_label_names() }},
        count(*) as event_count
    from labelled
    group by hour_at, {{ event_label_names() }}
)

select
    'events.count' as metric,
    {{ event_labels() }} as labels,
    hour_at,
    event_count::float8 as value,
    event_count::int as sample_count,
    'observed' as origin,
    false as is_estimated
from counted
