with runs as (
    select * from {{ ref("stg_ingest__runs") }}
),

latest as (
    select distinct on (source)
        source,
        started_at,
        finished_at,
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
),

judged as (
    select
        latest.*,
        coalesce(latest.outcome = 'failed', running.objid is null) as is_failed
    from latest
    left join running on running.objid = hashtext(latest.source)::oid
)

select
    source,
    started_at,
    finished_at,
    outcome,
    is_failed,
    message,
    case
        when is_failed then coalesce(message, 'its last run died; `make ingest` repeats what it left')
    end as problem
from judged
