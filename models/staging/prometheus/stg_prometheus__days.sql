select
    stream,
    metric,
    labels,
    day_at,
    value
from {{ source("prometheus", "prometheus_days") }}
