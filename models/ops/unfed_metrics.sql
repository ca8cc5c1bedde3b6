with metrics as (
    select
        metric,
        stream
    from {{ ref("dim_metric") }}
    where kind <> 'ratio' and status = 'active'
),

reads as (
    select * from {{ ref("stg_ingest__reads") }}
),

streams as (
    select
        stream,
        count(*) as reads
    from reads
    group by stream
),

sources as (
    select distinct split_part(stream, '.', 1) as source
    from streams
)

-- A source that was never read is off, or new: nothing is missed.
select
    metrics.metric,
    metrics.stream,
    coalesce(streams.reads, 0) as reads
from metrics
inner join sources on sources.source = split_part(metrics.stream, '.', 1)
left join streams on streams.stream = metrics.stream
-- What the pipeline measures of itself may not have happened yet: on its first day, or a quota where there is none.
where (streams.stream is null or sources.source <> 'pipeline')
    and not {{ has_metric(ref("fct_metric_hourly"), "metrics.metric") }}
    and not {{ has_metric(ref("fct_metric_daily"), "metrics.metric") }}
    and not {{ has_metric(ref("fct_duration_hourly"), "metrics.metric") }}
