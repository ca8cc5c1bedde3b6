with dirty_hours as (
    select
        metric,
        hour_at
    from {{ ref("dirty_hours") }}
    where stream = 'spiders.statuses'
),

hours as (
    select distinct hour_at
    from dirty_hours
),

-- What is no list of objects says nothing of workers: it is no report, and ops.odd_spider_statuses shows it.
statuses as (
    select * from {{ ref("stg_spiders__statuses") }}
    where {{ are_workers("workers") }}
),

-- A spider says one thing at a time: of several reports of an instant the one with the most workers counts.
reports as (
    select distinct on (statuses.spider_id, statuses.reported_at)
        hours.hour_at,
        statuses.spider_id,
        statuses.spider,
        statuses.reported_at,
        counted.total,
        counted.active
    from hours
    inner join statuses on {{ hour_of("statuses.reported_at") }} = hours.hour_at
    cross join lateral (
        select
            count(*) as total,
            count(*) filter (where worker ->> 'stage' <> '') as active
        from jsonb_array_elements(statuses.workers) as workers (worker)
    ) as counted
    order by
        statuses.spider_id,
        statuses.reported_at,
        counted.total desc,
        counted.active desc,
        statuses.spider
),

last_reports as (
    select
        hour_at,
        spider_id,
        (array_agg(spider order by reported_at desc))[1] as spider,
        (array_agg(total order by reported_at desc))[1]::float8 as total,
        (array_agg(active order by reported_at desc))[1]::float8 as active,
        count(*) as sample_count
    from reports
    where reported_at >= hour_at + interval '{{ 60 - spider_window_minutes() }} minutes'
    group by hour_at, spider_id
),

means as (
    select
        hour_at,
        spider_id,
        spider,
        sum(active)::float8 / count(*) as active,
        count(*) as sample_count
    from reports
    group by hour_at, spider_id, spider
),

stocks as (
    select
        counted.metric,
        last_reports.hour_at,
        last_reports.spider,
        counted.value,
        last_reports.sample_count
    from last_reports
    cross join lateral (
        values
            ('spiders.idle', last_reports.total - last_reports.active),
            ('spiders.active', last_reports.active),
            ('spiders.total', last_reports.total)
    ) as counted (metric, value)
),

unioned as (
    select * from stocks
    union all
    select
        'spiders.active.mean' as metric,
        hour_at,
        spider,
        active as value,
        sample_count
    from means
),

-- Spiders of the same name are one series.
named as (
    select
        metric,
        hour_at,
        spider,
        sum(value order by value) as value,
        sum(sample_count)::int as sample_count
    from unioned
    group by metric, hour_at, spider
)

select
    named.metric,
    jsonb_build_object('spider', named.spider) as labels,
    named.hour_at,
    named.value,
    named.sample_count,
    'observed' as origin,
    false as is_estimated
from named
inner join dirty_hours on dirty_hours.metric = named.metric and dirty_hours.hour_at = named.hour_at
