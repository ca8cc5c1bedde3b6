select
    stream,
    metric,
    labels,
    hour_at,
    value,
    sample_count
from {{ source("pipeline", "pipeline_samples") }}
