select
    stream,
    metric,
    labels,
    date_day,
    value,
    is_estimated
from {{ source("google_analytics", "google_analytics_days") }}
