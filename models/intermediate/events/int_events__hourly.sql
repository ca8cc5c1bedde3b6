{%- set event_labels = var("event_labels") -%}

with dirty_hours as (
    select hour_at
    from {{ ref("dirty_hours") }}
    where metric = 'events.count' and stream = 'events.events'
),

events as (
    select * from {{ ref("stg_events__events") }}
),

counted as (
    select
        dirty_hours.hour_at,
        events.type,
        {%- for label in event_labels %}
        events.attributes ->> '{{ label }}' as label_{{ loop.index }},
        {%- endfor %}
        count(*) as event_count
    from dirty_hours
    inner join events on {{ hour_of("events.occurred_at") }} = dirty_hours.hour_at
    group by {% for _ in event_labels %}{{ loop.index + 2 }}, {% endfor %}1, 2
)

select
    'events.count' as metric,
    jsonb_strip_nulls(
        jsonb_build_object(
            'type', type
            {%- for label in event_labels %}, '{{ label }}', label_{{ loop.index }}{% endfor %}
        )
    ) as labels,
    hour_at,
    event_count::float8 as value,
    event_count::int as sample_count,
    'observed' as origin,
    false as is_estimated
from counted
