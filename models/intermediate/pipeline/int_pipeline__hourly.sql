with dirty_hours as (
    select
        stream,
        metric,
        hour_at
    from {{ ref("dirty_hours") }}
    where stream in ('pipeline.log', 'pipeline.tables') and metric <> 'pipeline.landing_lag'
),

samples as (
    select * from {{ ref("stg_pipeline__samples") }}
)

select
    samples.metric,
    samples.labels,
    dirty_hours.hour_at,
    samples.value,
    samples.sample_count::int as sample_count,
    'observed' as origin,
    false as is_estimated
from dirty_hours
inner join samples
    on {{ hour_of("samples.hour_at") }} = dirty_hours.hour_at
    and samples.stream = dirty_hours.stream
    and samples.metric = dirty_hours.metric
