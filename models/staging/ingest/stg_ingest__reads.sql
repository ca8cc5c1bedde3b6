select
    read_id,
    source,
    stream,
    period_start,
    period_end,
    started_at,
    finished_at,
    row_count
from {{ source("ingest", "reads") }}
where finished_at is not null
