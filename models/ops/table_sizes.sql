with samples as (
    select * from {{ ref("stg_pipeline__samples") }}
    where stream = 'pipeline.tables'
        and {{ hour_of("hour_at") }} >= {{ hour_of(now() ~ " - interval '7 days'") }}
),

-- Partitions are their table. dlt's own tables come and go with its loads.
tables as (
    select
        pg_namespace.nspname || '.' || pg_class.relname as name,
        sum(pg_total_relation_size(parts.oid))::bigint as bytes,
        sum(nullif(parts.reltuples, -1))::bigint as row_estimate
    from pg_catalog.pg_class as parts
    inner join pg_catalog.pg_class on pg_class.oid = coalesce(pg_partition_root(parts.oid), parts.oid)
    inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where pg_namespace.nspname in ('raw', 'core', 'marts', 'ops')
        and parts.relkind in ('r', 'm')
        and not starts_with(pg_class.relname, '_dlt')
    group by pg_namespace.nspname, pg_class.relname
),

-- The first sample was taken while the first load ran: it would tell of that, and no growth.
first_sample as (
    select min({{ hour_of("hour_at") }}) as hour_at
    from {{ ref("stg_pipeline__samples") }}
    where stream = 'pipeline.tables'
),

earlier as (
    select distinct on (name)
        labels ->> 'table' as name,
        value as bytes,
        extract(epoch from {{ now() }} - hour_at)::float8 / 86400 as days
    from samples
    where hour_at > (select first_sample.hour_at from first_sample)
        and hour_at <= {{ now() }} - interval '1 day'
    order by name, hour_at
)

select
    tables.name,
    tables.bytes,
    tables.row_estimate,
    (tables.bytes - earlier.bytes) / earlier.days as growth_a_day
from tables
left join earlier on earlier.name = tables.name
