with reads as (
    select * from {{ ref("stg_ingest__reads") }}
    where finished_at >= {{ now() }} - interval '1 day'
),

metrics as (
    select metric
    from {{ ref("dim_metric") }}
),

hours_read as (
    select distinct
        reads.stream,
        hours.hour_at
    from reads
    cross join lateral {{ hours_of("reads") }} as hours (hour_at)
),

found as (
    select
        hours_read.stream,
        hours_read.hour_at,
        'events.count' as metric
    from hours_read
    where hours_read.stream = 'events.events'
        and 'events.count' not in (select metrics.metric from metrics)
        and {{ has_events(ref("stg_events__events"), "hours_read") }}
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        spiders.metric
    from hours_read
    cross join
        unnest(array['spiders.idle', 'spiders.active', 'spiders.total', 'spiders.active.mean']) as spiders (metric)
    where hours_read.stream = 'spiders.statuses'
        and spiders.metric not in (select metrics.metric from metrics)
        and exists (
            select from {{ ref("stg_spiders__statuses") }} as statuses
            where {{ hour_of("statuses.reported_at") }} = hours_read.hour_at
        )
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        'objects.count' as metric
    from hours_read
    where hours_read.stream = 'website.counts'
        and 'objects.count' not in (select metrics.metric from metrics)
        and exists (
            select from {{ ref("stg_website__object_counts") }} as object_counts
            where {{ hour_of("object_counts.counted_at") }} = hours_read.hour_at
        )
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        'objects.created' as metric
    from hours_read
    where hours_read.stream = 'website.objects'
        and 'objects.created' not in (select metrics.metric from metrics)
        and exists (
            select from {{ ref("stg_website__objects") }} as objects
            where {{ hour_of("objects.created_at") }} = hours_read.hour_at
        )
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        samples.metric
    from hours_read
    inner join {{ ref("stg_prometheus__samples") }} as samples
        on {{ hour_of("samples.hour_at") }} = hours_read.hour_at
        and samples.stream = hours_read.stream
    where samples.metric not in (select metrics.metric from metrics)
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        measured.metric
    from hours_read
    inner join {{ ref("stg_pipeline__samples") }} as measured
        on {{ hour_of("measured.hour_at") }} = hours_read.hour_at
        and measured.stream = hours_read.stream
    where measured.metric not in (select metrics.metric from metrics)
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        hours.metric
    from hours_read
    inner join {{ ref("stg_google_analytics__hours") }} as hours
        on {{ hour_of("hours.hour_at") }} = hours_read.hour_at
        and hours.stream = hours_read.stream
    where hours.metric not in (select metrics.metric from metrics)
    union all
    select
        hours_read.stream,
        hours_read.hour_at,
        days.metric
    from hours_read
    inner join {{ ref("stg_google_analytics__days") }} as days
        on days.date_day = {{ day_of("hours_read.hour_at") }}
        and days.stream = hours_read.stream
    where days.metric not in (select metrics.metric from metrics)
)

select
    metric,
    stream,
    count(distinct hour_at) as hours,
    max(hour_at) as last_hour
from found
group by metric, stream
