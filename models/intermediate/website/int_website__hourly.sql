with dirty_hours as (
    select
        metric,
        hour_at
    from {{ ref("dirty_hours") }}
    where stream in ('website.counts', 'website.objects')
),

metrics as (
    select
        metric,
        kind
    from {{ ref("metrics") }}
),

-- Read twice, and materialized it would be all of history.
object_counts as not materialized (
    select * from {{ ref("stg_website__object_counts") }}
),

objects as (
    select * from {{ ref("stg_website__objects") }}
),

counted as (
    select
        dirty_hours.metric,
        object_counts.object,
        dirty_hours.hour_at,
        {{ roll_up("metrics.kind", "object_counts.row_count::float8", "1", "object_counts.counted_at") }} as value,
        count(*) as sample_count,
        bool_and(object_counts.is_reconstructed) as is_reconstructed
    from dirty_hours
    inner join metrics on metrics.metric = dirty_hours.metric
    inner join object_counts on {{ hour_of("object_counts.counted_at") }} = dirty_hours.hour_at
    where dirty_hours.metric = 'objects.count'
    group by dirty_hours.metric, metrics.kind, object_counts.object, dirty_hours.hour_at
),

created as (
    select
        dirty_hours.metric,
        objects.object,
        dirty_hours.hour_at,
        count(*) as row_count
    from dirty_hours
    inner join objects on {{ hour_of("objects.created_at") }} = dirty_hours.hour_at
    where dirty_hours.metric = 'objects.created'
    group by dirty_hours.metric, objects.object, dirty_hours.hour_at
),

-- What was deleted before an object was first counted is unknown: its numbers up to then are lower bounds.
-- The first count never changes, and its read is finished together with the object's first list.
created_since as (
    select
        created.metric,
        created.object,
        created.hour_at,
        created.row_count::float8 as value,
        created.row_count as sample_count,
        created.hour_at < {{ hour_of("first_counts.counted_at") }} as is_reconstructed
    from created
    cross join lateral (
        select min(object_counts.counted_at) as counted_at
        from object_counts
        where object_counts.object = created.object and not object_counts.is_reconstructed
    ) as first_counts
),

unioned as (
    select * from counted
    union all
    select * from created_since
)

select
    metric,
    jsonb_build_object('object', object) as labels,
    hour_at,
    value,
    sample_count::int as sample_count,
    case when is_reconstructed then 'reconstructed' else 'observed' end as origin,
    coalesce(is_reconstructed, false) as is_estimated
from unioned
