with latest as (
    select * from {{ ref("latest_runs") }}
)

select
    source,
    started_at,
    problem as message
from latest
where is_failed
