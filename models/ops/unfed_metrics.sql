with metrics as (
    select
        metric,
        stream
    from {{ ref("dim_metric") }}
    where kind <> 'ratio' and status = 'active'
),

reads as not materialized (
    select * from {{ ref("stg_ingest__reads") }}
),

-- A source that was not read for a week is off, or new: nothing is missed.
sources as (
    select distinct split_part(stream, '.', 1) as source
    from reads
    where finished_at >= {{ now() }} - interval '7 days'
),

judged as (
    select
        metrics.metric,
        metrics.stream,
        sources.source,
        exists (select from reads where reads.stream = metrics.stream) as is_read
    from metrics
    inner join sources on sources.source = split_part(metrics.stream, '.', 1)
    where not {{ has_metric(ref("fct_metric_hourly"), "metrics.metric") }}
        and not {{ has_metric(ref("fct_metric_daily"), "metrics.metric") }}
        and not {{ has_metric(ref("fct_duration_hourly"), "metrics.metric") }}
)

select
    metric,
    stream,
    is_read
from judged
-- What the pipeline measures of itself may not have happened yet: on its first day, or a quota where there is none.
where not is_read or source <> 'pipeline'
