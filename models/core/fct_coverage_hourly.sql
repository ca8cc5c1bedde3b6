{{
    config(
        materialized="incremental",
        incremental_strategy="replace_dirty",
        unique_key=["stream", "hour_at"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={"period": "hour_at", "subject": "stream", "stamps": [], "from_raw": true, "distribution": "reference"},
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

-- An hour is covered only after its values are built, or it would show a false zero.
-- depends_on: {{ ref("fct_metric_hourly") }}

with dirty_hours as (
    select distinct
        stream,
        hour_at
    from {{ ref("dirty_hours") }}
    where stream is not null
),

reads as (
    select * from {{ ref("stg_ingest__reads") }}
),

covered as (
    select
        dirty_hours.stream,
        dirty_hours.hour_at,
        max(reads.started_at) as read_at
    from dirty_hours
    inner join reads
        on reads.stream = dirty_hours.stream
        and tstzrange(reads.period_start, reads.period_end)
        @> tstzrange(dirty_hours.hour_at, dirty_hours.hour_at + interval '1 hour')
    where exists (
        select from ops.built_reads as built
        where built.fact = 'fct_metric_hourly' and built.read_id = reads.read_id
    )
    group by dirty_hours.stream, dirty_hours.hour_at
)

select * from covered
