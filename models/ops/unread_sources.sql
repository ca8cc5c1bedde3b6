with latest as (
    select * from {{ ref("latest_runs") }}
)

select
    source,
    started_at,
    coalesce(message, 'its last run died; `make ingest` repeats what it left') as message
from latest
where is_failed
