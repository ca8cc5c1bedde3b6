with statuses as (
    select * from {{ ref("stg_spiders__statuses") }}
)

select
    spider,
    reported_at,
    workers
from statuses
where reported_at >= {{ now() }} - interval '1 day'
    and ({{ are_workers("workers") }}) is not true
