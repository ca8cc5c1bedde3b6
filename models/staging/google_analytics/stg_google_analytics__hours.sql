select
    stream,
    metric,
    labels,
    hour_at,
    value,
    is_estimated
from {{ source("google_analytics", "google_analytics_hours") }}
