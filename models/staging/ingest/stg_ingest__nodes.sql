select
    invocation_id,
    node,
    resource_type,
    status,
    started_at,
    seconds,
    row_count,
    message
from {{ source("ops", "nodes") }}
