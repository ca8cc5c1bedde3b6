with runs as (
    select * from {{ ref("stg_ingest__runs") }}
),

latest as (
    select distinct on (source)
        source,
        started_at,
        outcome,
        message
    from runs
    order by source, started_at desc
),

-- A run holds its source's lock (ingest/reads.py) as long as it lives.
running as (
    select objid
    from pg_locks
    where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())
        and classid = hashtext('raw.reads')::oid
        and granted
)

select
    latest.source,
    latest.started_at,
    coalesce(latest.message, 'its last run died; `make ingest` repeats what it left') as message
from latest
left join running on running.objid = hashtext(latest.source)::oid
where latest.outcome = 'failed'
    or (latest.outcome is null and running.objid is null)
