with source as (
    select * from {{ source("prometheus", "prometheus_days") }}
),

renamed as (
    select
        stream,
        metric,
        labels,
        day_at,
        value
    from source
)

select * from renamed
