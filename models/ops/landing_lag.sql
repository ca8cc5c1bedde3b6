with streams as (
    select distinct stream
    from {{ ref("stg_ingest__reads") }}
),

series as (
    select * from {{ ref("dim_series") }}
    where metric = 'pipeline.landing_lag'
),

lags as (
    select *
    from {{ ref("int_measured__durations") }}
    where metric = 'pipeline.landing_lag' and date_day > {{ day_of(now()) }} - 30
),

by_series as (
    {{ duration_statistics("lags", ["series_id"]) }}
),

by_stream as (
    select
        series.labels ->> 'stream' as stream,
        by_series.*
    from by_series
    inner join series on series.series_id = by_series.series_id
)

select
    streams.stream,
    coalesce(by_stream.count, 0) as hours,
    by_stream.p50 / 1000 as p50_seconds,
    by_stream.p95 / 1000 as p95_seconds,
    by_stream.p99 / 1000 as p99_seconds,
    by_stream.max / 1000 as max_seconds
from streams
left join by_stream on by_stream.stream = streams.stream
