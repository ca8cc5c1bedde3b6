with source as (
    select * from {{ source("ingest", "reads") }}
),

renamed as (
    select
        read_id,
        source,
        stream,
        period_start,
        period_end,
        started_at,
        finished_at,
        row_count
    from source
    where finished_at is not null
)

select * from renamed
