with source as (
    select * from {{ source("events", "events_events") }}
),

renamed as (
    select
        event_id,
        type,
        occurred_at,
        user_id,
        duration_ms,
        attributes
    from source
)

select * from renamed
