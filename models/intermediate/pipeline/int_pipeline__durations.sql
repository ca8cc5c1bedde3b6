with dirty_hours as (
    select
        stream,
        hour_at
    from {{ ref("dirty_hours") }}
    where metric = 'pipeline.landing_lag' and stream = 'pipeline.log'
),

-- A clock that was put back makes a lag negative: that is none.
samples as (
    select * from {{ ref("stg_pipeline__samples") }}
    where metric = 'pipeline.landing_lag' and value >= 0
)

select
    samples.metric,
    samples.labels,
    dirty_hours.hour_at,
    samples.value::bigint as duration_ms,
    samples.sample_count as occurrences
from dirty_hours
inner join samples
    on {{ hour_of("samples.hour_at") }} = dirty_hours.hour_at
    and samples.stream = dirty_hours.stream
