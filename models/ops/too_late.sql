with closed as (
    select * from {{ source("ops", "closed") }}
),

reads as (
    select * from {{ ref("stg_ingest__reads") }}
)

select
    reads.stream,
    reads.read_id,
    reads.started_at,
    reads.period_start,
    least(reads.period_end, closed.until) as period_end,
    closed.until as closed_until
from reads
inner join closed
    on closed.stream = reads.stream
    and reads.period_start < closed.until
    and reads.read_id > closed.last_read_id
