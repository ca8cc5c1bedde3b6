select
    event_id,
    type,
    occurred_at,
    user_id,
    duration_ms,
    attributes
from {{ source("events", "events_events") }}
