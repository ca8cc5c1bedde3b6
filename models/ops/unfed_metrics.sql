with recursive metrics as (
    select
        metric,
        stream
    from {{ ref("dim_metric") }}
    where kind <> 'ratio' and status = 'active'
),

reads as not materialized (
    select * from {{ ref("stg_ingest__reads") }}
),

-- From stream to stream by index: of five years 1 ms, where `distinct` looks at all reads, for 140.
streams as (
    select min(stream) as stream
    from reads
    union all
    select (select min(reads.stream) from reads where reads.stream > streams.stream)
    from streams
    where stream is not null
),

sources as (
    select distinct split_part(stream, '.', 1) as source
    from streams
    where stream is not null
)

-- A source that was never read is off, or new: nothing is missed.
select
    metrics.metric,
    metrics.stream,
    (select count(*) from reads where reads.stream = metrics.stream) as reads
from metrics
inner join sources on sources.source = split_part(metrics.stream, '.', 1)
left join streams on streams.stream = metrics.stream
-- What the pipeline measures of itself may not have happened yet: on its first day, or a quota where there is none.
where (streams.stream is null or sources.source <> 'pipeline')
    and not {{ has_metric(ref("fct_metric_hourly"), "metrics.metric") }}
    and not {{ has_metric(ref("fct_metric_daily"), "metrics.metric") }}
    and not {{ has_metric(ref("fct_duration_hourly"), "metrics.metric") }}
