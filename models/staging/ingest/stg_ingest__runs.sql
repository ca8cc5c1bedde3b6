with source as (
    select * from {{ source("ops", "runs") }}
),

renamed as (
    select
        run_id,
        source,
        started_at,
        finished_at,
        outcome,
        message
    from source
)

select * from renamed
