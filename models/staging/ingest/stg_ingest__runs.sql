select
    run_id,
    source,
    started_at,
    finished_at,
    outcome,
    message
from {{ source("ops", "runs") }}
