select
    property_id,
    asked_at,
    bucket,
    consumed,
    remaining
from {{ source("ops", "google_analytics_quota") }}
