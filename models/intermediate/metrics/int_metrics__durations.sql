with metrics as (
    select metric
    from {{ ref("metrics") }}
    where kind = 'duration'
),

durations as (
    select * from {{ ref("int_events__durations") }}
    union all
    select * from {{ ref("int_pipeline__durations") }}
),

bucketed as (
    select
        durations.metric,
        durations.labels,
        durations.hour_at,
        {{ duration_bucket("durations.duration_ms") }} as bucket,
        sum(durations.occurrences)::int as bucket_count,
        sum(durations.duration_ms * durations.occurrences)::bigint as bucket_sum,
        min(durations.duration_ms) as bucket_min,
        max(durations.duration_ms) as bucket_max
    from durations
    inner join metrics on metrics.metric = durations.metric
    group by durations.metric, durations.labels, durations.hour_at, bucket
),

hours as (
    select
        metric,
        labels,
        hour_at,
        sum(bucket_count)::bigint as count,
        sum(bucket_sum)::bigint as sum,
        min(bucket_min) as min,
        max(bucket_max) as max,
        array_agg(bucket order by bucket) as buckets,
        array_agg(bucket_count order by bucket) as counts
    from bucketed
    group by metric, labels, hour_at
)

select
    {{ series_id("hours.metric", "hours.labels") }} as series_id,
    {{ series_name("hours.metric", "hours.labels") }} as series,
    hours.*
from hours
