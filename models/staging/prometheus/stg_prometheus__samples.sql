select
    stream,
    metric,
    labels,
    hour_at,
    value,
    sample_count,
    is_estimated
from {{ source("prometheus", "prometheus_samples") }}
