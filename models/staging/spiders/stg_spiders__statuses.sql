with source as (
    select * from {{ source("spiders", "spiders_statuses") }}
),

renamed as (
    select
        spider_id,
        spider,
        workers,
        reported_at
    from source
)

select * from renamed
