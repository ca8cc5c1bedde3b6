{{
    config(
        materialized="incremental",
        incremental_strategy="replace_where",
        unique_key=["cohort_week", "week_number"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={
            "subject": "stream",
            "vars": ["retention_event_types"],
            "dirty": "rows.cohort_week + 7 * rows.week_number >="
            " (select date_trunc('week', min(dirty.date_day)::timestamp)::date from dirty_days as dirty)",
        },
        indexes=[{"columns": ["cohort_week", "week_number"], "unique": true}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

{%- set types = var("retention_event_types") -%}

-- A cell is of a week; who was first seen in a dirty week may have been of any later cohort. So all from the first dirty
-- week on are built, of the cohorts that reach it, and one before them, against which the first is held.
with dirty_weeks as (
    select
        date_trunc('week', min(date_day)::timestamp)::date as first_week,
        date_trunc('week', min(date_day)::timestamp)::date - 7 * 13 as first_cohort
    from {{ ref("dirty_days") }}
),

all_activity as not materialized (
    select * from {{ ref("fct_user_activity_daily") }}
    {%- if types %}
    where type in ('{{ types | join("', '") }}')
    {%- endif %}
),

activity as (
    select all_activity.*
    from dirty_weeks
    inner join all_activity on all_activity.date_day >= dirty_weeks.first_cohort
),

coverage as not materialized (
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
        active_weeks.user_id,
        min(active_weeks.active_week) as cohort_week
    from active_weeks
    cross join dirty_weeks
    {%- if facts_are_distributed() %}
    inner join (
        select
            user_id,
            min(date_day) as date_day
        from all_activity
        group by user_id
    ) as first_day on first_day.user_id = active_weeks.user_id and first_day.date_day >= dirty_weeks.first_cohort
    {%- else %}
    where not exists (
        select from all_activity
        where all_activity.user_id = active_weeks.user_id and all_activity.date_day < dirty_weeks.first_cohort
    )
    {%- endif %}
    group by active_weeks.user_id
),

complete_weeks as (
    select date_trunc('week', dates.date_day::timestamp)::date as week
    from streams
    cross join dirty_weeks
    inner join dates on dates.date_day >= dirty_weeks.first_cohort
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
),

compared as (
    select
        *,
        share_active / nullif(min(share_active) over cohort_before, 0) - 1 as change
    from shares
    window cohort_before as (
        partition by week_number
        order by cohort_week range between interval '7 days' preceding and interval '7 days' preceding
    )
)

select
    {{ day_start("compared.cohort_week") }} as time,
    compared.cohort_week,
    compared.week_number,
    compared.cohort_users,
    compared.active_users,
    compared.share_active,
    compared.change
from compared
inner join dirty_weeks on compared.cohort_week + 7 * compared.week_number >= dirty_weeks.first_week
