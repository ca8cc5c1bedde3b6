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

object_counts as (
    select * from {{ ref("stg_website__object_counts") }}
),

objects as (
    select * from {{ ref("stg_website__objects") }}
),

-- What was deleted before an object was first counted is unknown: its numbers up to then are lower bounds.
-- The first count never changes, and its read is finished together with the object's first list.
first_counts as (
    select
        object,
        min(counted_at) as counted_at
    from object_counts
    where not is_reconstructed
    group by object
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
        count(*)::float8 as value,
        count(*) as sample_count,
        dirty_hours.hour_at < {{ hour_of("min(first_counts.counted_at)") }} as is_reconstructed
    from dirty_hours
    inner join objects on {{ hour_of("objects.created_at") }} = dirty_hours.hour_at
    left join first_counts on first_counts.object = objects.object
    where dirty_hours.metric = 'objects.created'
    group by dirty_hours.metric, objects.object, dirty_hours.hour_at
),

unioned as (
    select * from counted
    union all
    select * from created
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
