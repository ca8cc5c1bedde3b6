with failed as (
    select * from {{ ref("latest_runs") }}
    where is_failed
),

reads as (
    select * from {{ ref("stg_ingest__reads") }}
),

stale as (
    select * from {{ ref("freshness") }}
    where not is_fresh
),

unbuilt as (
    select reads.read_id
    from reads
    where not exists (
        select from {{ source("ops", "built_reads") }} as built
        where built.fact = 'fct_metric_hourly' and built.read_id = reads.read_id
        offset 0
    )
        and reads.read_id > {{ built_until("fct_metric_hourly") }}
),

found as (
    select
        1 as place,
        'failed_sources' as name,
        'Sources whose latest run failed' as finding,
        count(*) as found,
        'ops.unread_sources says what to do' as cure
    from failed
    union all
    select
        2,
        'late_metrics',
        'Metrics that are late',
        count(*),
        'run `make ingest && dbt build`; ops.freshness says which'
    from stale
    union all
    select
        3,
        'unbuilt_reads',
        'Reads that no build has taken',
        count(*),
        'run `dbt build`'
    from unbuilt
    union all
    select
        4,
        'unregistered_metrics',
        'Metrics that were read and have no line in the registry',
        count(*),
        'add them to seeds/metrics.csv; ops.unregistered_metrics says which'
    from {{ ref("unregistered_metrics") }}
    union all
    select
        5,
        'unfed_metrics',
        'Metrics of the registry that nothing feeds',
        count(*),
        'correct their stream in seeds/metrics.csv; ops.unfed_metrics says which'
    from {{ ref("unfed_metrics") }}
    union all
    select
        6,
        'too_late_reads',
        'Reads that came after their hours were pruned',
        count(*),
        'nothing to do: the facts keep what they had; ops.too_late has them'
    from {{ ref("too_late") }}
    union all
    select
        7,
        'odd_spider_statuses',
        'Spider reports that could not be counted',
        count(*),
        'ask whose spider it is; ops.odd_spider_statuses has them'
    from {{ ref("odd_spider_statuses") }}
)

select
    place,
    finding,
    found,
    cure,
    name
from found
