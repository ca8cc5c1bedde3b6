with source as (
    select * from {{ source("prometheus", "prometheus_samples") }}
),

renamed as (
    select
        stream,
        metric,
        labels,
        hour_at,
        value,
        sample_count,
        is_estimated
    from source
)

select * from renamed
