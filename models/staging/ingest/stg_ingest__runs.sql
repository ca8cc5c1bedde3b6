select
    run_id,
    source,
    started_at,
    finished_at,
    outcome,
    message,
    byte_count
from {{ source("ops", "runs") }}
