with series as (
    select * from {{ ref("dim_series") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

by_series as (
    {{ duration_statistics(ref("int_measured__durations"), ["metric", "series_id", "hour_at"]) }}
),

over_labels as (
    {{ duration_statistics(ref("int_measured__durations"), ["metric", "hour_at"]) }}
),

unioned as (
    select
        by_series.metric,
        by_series.hour_at,
        by_series.series_id,
        series.series,
        series.labels,
        by_series.count,
        by_series.mean,
        by_series.min,
        by_series.max,
        by_series.p50,
        by_series.p95,
        by_series.p99,
        by_series.is_complete,
        by_series.built_at
    from by_series
    inner join series on series.series_id = by_series.series_id
    union all
    select
        metric,
        hour_at,
        {{ series_id("metric", "'{}'::jsonb") }} as series_id,
        metric as series,
        '{}'::jsonb as labels,
        count,
        mean,
        min,
        max,
        p50,
        p95,
        p99,
        is_complete,
        built_at
    from over_labels
)

select
    unioned.hour_at as time,
    unioned.metric,
    unioned.series_id,
    unioned.series,
    unioned.labels,
    unioned.count,
    unioned.mean,
    unioned.p50,
    unioned.p95,
    unioned.p99,
    unioned.min,
    unioned.max,
    metrics.unit,
    metrics.stage,
    unioned.is_complete,
    unioned.built_at
from unioned
inner join metrics on metrics.metric = unioned.metric
