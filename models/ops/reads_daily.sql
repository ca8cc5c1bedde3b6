with reads as (
    select * from {{ ref("stg_ingest__reads") }}
)

select
    {{ day_start(day_of("started_at")) }} as time,
    {{ day_of("started_at") }} as date_day,
    stream,
    count(*) as reads,
    sum(row_count)::bigint as rows_read
from reads
group by {{ day_of("started_at") }}, stream
