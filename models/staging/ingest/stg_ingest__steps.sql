select
    step_id,
    step,
    started_at,
    finished_at,
    exit_code,
    message
from {{ source("ops", "steps") }}
