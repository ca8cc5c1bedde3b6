with daily as (
    select * from {{ ref("mart_daily") }}
    where metric in ('website.sessions', 'website.new_users', 'website.page_views', 'website.key_events')
),

channels as (
    select
        time,
        date_day,
        labels ->> 'channel' as channel,
        sum(value order by series_id) filter (where metric = 'website.sessions') as sessions,
        sum(value order by series_id) filter (where metric = 'website.new_users') as new_users,
        sum(value order by series_id) filter (where metric = 'website.page_views') as page_views,
        sum(value order by series_id) filter (where metric = 'website.key_events') as key_events,
        bool_and(is_complete) as is_complete,
        {{ merged_flags("flags") }} as flags
    from daily
    group by time, date_day, channel
)

select
    time,
    date_day,
    channel,
    sessions,
    new_users,
    page_views,
    key_events,
    sessions / nullif(sum(sessions) over (partition by time, date_day), 0) as sessions_share,
    is_complete,
    flags
from channels
where channel is not null
