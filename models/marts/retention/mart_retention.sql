{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        unique_key=["cohort_week", "week_number"],
        on_schema_change="append_new_columns",
        indexes=[{"columns": ["cohort_week", "week_number"], "unique": true}],
    )
}}

{%- set types = var("retention_event_types") -%}

with activity as (
    select * from {{ ref("fct_user_activity_daily") }}
    {%- if types %}
    where type in ('{{ types | join("', '") }}')
    {%- endif %}
),

coverage as (
    select * from {{ ref("fct_coverage_hourly") }}
),

dates as (
    select * from {{ ref("dim_date") }}
),

streams as (
    select
        stream,
        'hours' as day_from,
        max(settle_minutes) as settle_minutes
    from {{ ref("dim_metric") }}
    where stream in (select activity.stream from activity)
    group by stream
),

active_weeks as (
    select distinct
        user_id,
        date_trunc('week', date_day::timestamp)::date as active_week
    from activity
),

users as (
    select
        user_id,
        min(active_week) as cohort_week
    from active_weeks
    group by user_id
),

complete_weeks as (
    select date_trunc('week', dates.date_day::timestamp)::date as week
    from streams
    cross join dates
    cross join lateral (
        {{ covered_day("streams", "dates.date_day") }}
    ) as covered
    group by week
    having bool_and(covered.is_complete) and count(distinct dates.date_day) = 7
),

cohorts as (
    select
        cohort_week,
        count(*) as cohort_users
    from users
    group by cohort_week
),

returned as (
    select
        users.cohort_week,
        (active_weeks.active_week - users.cohort_week) / 7 as week_number,
        count(*) as active_users
    from users
    inner join active_weeks on active_weeks.user_id = users.user_id
    group by users.cohort_week, week_number
),

cells as (
    select
        cohorts.cohort_week,
        cohorts.cohort_users,
        weeks.week_number,
        case when complete_weeks.week is not null and cohort_is_complete.week is not null
            then coalesce(returned.active_users, 0)
        end as active_users
    from cohorts
    cross join generate_series(0, 12) as weeks (week_number)
    left join returned
        on returned.cohort_week = cohorts.cohort_week
        and returned.week_number = weeks.week_number
    left join complete_weeks on complete_weeks.week = cohorts.cohort_week + weeks.week_number * 7
    left join complete_weeks as cohort_is_complete on cohort_is_complete.week = cohorts.cohort_week
),

shares as (
    select
        cohort_week,
        week_number,
        cohort_users,
        active_users,
        active_users::float8 / cohort_users as share_active
    from cells
)

select
    {{ day_start("cohort_week") }} as time,
    cohort_week,
    week_number,
    cohort_users,
    active_users,
    share_active,
    share_active / nullif(min(share_active) over cohort_before, 0) - 1 as change
from shares
window cohort_before as (
    partition by week_number
    order by cohort_week range between interval '7 days' preceding and interval '7 days' preceding
)
