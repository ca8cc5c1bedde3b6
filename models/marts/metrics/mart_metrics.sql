select
    metric,
    label,
    description,
    unit,
    kind,
    stage,
    direction,
    owner,
    status,
    stream,
    settle_minutes,
    fresh_minutes
from {{ ref("dim_metric") }}
