{%- set is_sign_up = "metric = 'objects.created'" -%}
{%- set is_visit = "metric <> 'objects.created'" -%}

with measured as not materialized (
    select * from {{ ref("int_measured__daily") }}
    where metric in ('objects.created', 'website.active_users')
    {{ by_itself() }}
),

series as (
    select * from {{ ref("dim_series") }}
),

daily as not materialized (
    select * from {{ ref("mart_daily") }}
    where metric in ('objects.created', 'website.sessions', 'website.new_users', 'website.active_users')
        and ({{ is_visit }} or labels = jsonb_build_object('object', '{{ var("signup_object") }}'))
        and (metric <> 'website.active_users' or labels = '{}')
),

activation as (
    select * from {{ ref("mart_activation") }}
),

-- One a day, and grouped, so that PostgreSQL knows it and reckons no activation for who asks for sign-ups alone (17 ms).
activated as (
    select
        date_day,
        min(share_7_days) as share_7_days
    from activation
    group by date_day
),

-- What was not measured is null: a day may have sign-ups alone, or visits alone.
days as (
    select
        time,
        date_day,
        sum(value order by series_id) filter (where metric = 'website.sessions') as sessions,
        sum(value order by series_id) filter (where metric = 'website.new_users') as new_users,
        min(value) filter (where metric = 'website.active_users') as visitors,
        min(value) filter (where {{ is_sign_up }}) as sign_ups,
        min(target) filter (where {{ is_sign_up }}) as target,
        coalesce(bool_and(is_complete) filter (where {{ is_sign_up }}), false) as is_complete,
        coalesce(bool_and(is_complete) filter (where {{ is_visit }}), false) as is_visits_complete,
        {{ merged_flags("flags", is_sign_up) }} as flags,
        {{ merged_flags("flags", is_visit) }} as visits_flags
    from daily
    group by time, date_day
)

select
    days.time,
    days.date_day,
    days.sessions,
    days.new_users,
    days.visitors,
    days.sign_ups,
    week_before.sign_ups as sign_ups_week_before,
    case when days.is_complete then days.sign_ups / nullif(week_before.sign_ups, 0) - 1 end as change,
    case when days.is_visits_complete then days.visitors / nullif(week_before.visitors, 0) - 1 end as visitors_change,
    days.sign_ups / nullif(days.visitors, 0) as visitor_to_sign_up,
    activated.share_7_days as sign_up_to_activation,
    days.target,
    days.is_complete,
    days.is_visits_complete,
    days.flags,
    days.visits_flags
from days
-- Day by day: a reader's condition on the day does not reach the week before, of which all history would be read.
left join lateral (
    select
        min(measured.value) filter (where measured.{{ is_sign_up }}) as sign_ups,
        min(measured.value) filter (where measured.metric = 'website.active_users') as visitors
    from measured
    inner join series on series.series_id = measured.series_id
    where measured.is_complete
        and measured.date_day = days.date_day - 7
        and (
            measured.{{ is_sign_up }} and series.labels = jsonb_build_object('object', '{{ var("signup_object") }}')
            or measured.metric = 'website.active_users' and series.labels = '{}'
        )
) as week_before on true
left join activated on activated.date_day = days.date_day
