with source as (
    select * from {{ source("website", "website_object_counts") }}
),

renamed as (
    select
        object,
        counted_at,
        row_count,
        is_reconstructed
    from source
)

select * from renamed
