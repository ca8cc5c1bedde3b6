with nodes as (
    select * from {{ ref("stg_ingest__nodes") }}
),

-- The week before the latest build and not before now: a warehouse that is looked at later says the same.
numbered as (
    select
        *,
        row_number() over (partition by resource_type, node order by started_at desc) as age
    from nodes
    where started_at > (select max(started_at) from nodes) - interval '7 days'
),

usual as (
    select
        resource_type,
        node,
        percentile_cont(0.5) within group (order by seconds) as seconds
    from numbered
    where age > 1 and status in ('success', 'pass', 'warn')
    group by resource_type, node
)

select
    latest.node,
    latest.resource_type,
    latest.status,
    latest.status in ('error', 'fail', 'runtime error') as is_failed,
    latest.started_at,
    latest.seconds,
    usual.seconds as usual_seconds,
    latest.seconds / nullif(usual.seconds, 0) - 1 as change,
    latest.row_count,
    latest.message
from numbered as latest
left join usual on usual.resource_type = latest.resource_type and usual.node = latest.node
where latest.age = 1
