{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        unique_key=["cohort_week", "week_number"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={"subject": "stream", "vars": ["retention_event_types"]},
        indexes=[{"columns": ["cohort_week", "week_number"], "unique": true}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

{%- set types = var("retention_event_types") -%}
{%- set key_of_users = "sum(hashtextextended(user_id, 0))" -%}

with dirty_weeks as (
    select distinct date_trunc('week', date_day::timestamp)::date as week
    from {{ ref("dirty_days") }}
    where stream = 'events.events'
),

activity as not materialized (
    select * from {{ ref("fct_user_activity_daily") }}
    {%- if types %}
    where type in ('{{ types | join("', '") }}')
    {%- endif %}
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
    where stream = 'events.events'
    group by stream
),

kept as (
    {%- if is_incremental() %}
    select * from {{ this }}
    {%- else %}
    select
        null::date as cohort_week,
        null::int as week_number,
        null::bigint as cohort_users,
        null::numeric as cohort_key,
        null::bigint as active_users
    where false
    {%- endif %}
),

complete_weeks as (
    select date_trunc('week', dates.date_day::timestamp)::date as week
    from streams
    inner join dates on dates.date_day >= (select min(dirty_weeks.week) from dirty_weeks)
    cross join lateral (
        {{ covered_day("streams", "dates.date_day") }}
    ) as covered
    group by week
    having bool_and(covered.is_complete) and count(distinct dates.date_day) = 7
    union all
    select kept.cohort_week
    from kept
    where kept.week_number = 0
        and kept.active_users is not null
        and kept.cohort_week < (select min(dirty_weeks.week) from dirty_weeks)
),

active_in_dirty_weeks as (
    select distinct
        active.user_id,
        dirty_weeks.week as active_week
    from dirty_weeks
    cross join lateral (
        select activity.user_id
        from activity
        where activity.date_day >= dirty_weeks.week and activity.date_day < dirty_weeks.week + 7
        {{ fence() }}
    ) as active
),

dirty_users as (
    {{ with_cohorts("active_in_dirty_weeks") }}
),

dirty_cohorts as (
    select
        dirty_weeks.week as cohort_week,
        count(dirty_users.user_id) as cohort_users,
        {{ key_of_users }} as cohort_key
    from dirty_weeks
    left join dirty_users
        on dirty_users.active_week = dirty_weeks.week
        and dirty_users.cohort_week = dirty_weeks.week
    group by dirty_weeks.week
),

-- Who was active in a dirty week may be another one than before: then later cohorts have lost or got users to its own.
changed_cohorts as (
    select min(dirty_cohorts.cohort_week) as first_week
    from dirty_cohorts
    left join kept on kept.cohort_week = dirty_cohorts.cohort_week and kept.week_number = 0
    left join complete_weeks on complete_weeks.week = dirty_cohorts.cohort_week
    where (
        dirty_cohorts.cohort_users,
        dirty_cohorts.cohort_key,
        dirty_cohorts.cohort_users > 0 and complete_weeks.week is not null
    ) is distinct from (coalesce(kept.cohort_users, 0), kept.cohort_key, kept.active_users is not null)
),

active_in_later_weeks as (
    select distinct
        activity.user_id,
        date_trunc('week', activity.date_day::timestamp)::date as active_week
    from changed_cohorts
    inner join activity on activity.date_day >= changed_cohorts.first_week
    where date_trunc('week', activity.date_day::timestamp)::date not in (select dirty_weeks.week from dirty_weeks)
),

users as (
    select * from dirty_users
    union all
    {{ with_cohorts("active_in_later_weeks") }}
),

built_weeks as (
    select
        dirty_weeks.week as first_week,
        dirty_weeks.week as last_week
    from dirty_weeks
    cross join changed_cohorts
    where dirty_weeks.week < coalesce(changed_cohorts.first_week, 'infinity')
    union all
    select
        first_week,
        'infinity'
    from changed_cohorts
    where first_week is not null
),

cohorts as (
    select
        cohort_week,
        count(*) as cohort_users,
        {{ key_of_users }} as cohort_key
    from users
    where active_week = cohort_week
    group by cohort_week
    union all
    select
        kept.cohort_week,
        kept.cohort_users,
        kept.cohort_key
    from kept
    left join built_weeks on kept.cohort_week between built_weeks.first_week and built_weeks.last_week
    where kept.week_number = 0 and built_weeks.first_week is null
),

returned as (
    select
        cohort_week,
        active_week,
        count(*) as active_users
    from users
    group by cohort_week, active_week
),

cells as (
    select
        cohorts.cohort_week,
        cohorts.cohort_users,
        cohorts.cohort_key,
        weeks.week_number,
        case
            when built_weeks.first_week is null then kept.active_users
            when complete_weeks.week is not null and cohort_is_complete.week is not null
                then coalesce(returned.active_users, 0)
        end as active_users
    from cohorts
    cross join generate_series(0, 12) as weeks (week_number)
    left join built_weeks
        on cohorts.cohort_week + weeks.week_number * 7 between built_weeks.first_week and built_weeks.last_week
    left join kept
        on kept.cohort_week = cohorts.cohort_week
        and kept.week_number = weeks.week_number
    left join returned
        on returned.cohort_week = cohorts.cohort_week
        and returned.active_week = cohorts.cohort_week + weeks.week_number * 7
    left join complete_weeks on complete_weeks.week = cohorts.cohort_week + weeks.week_number * 7
    left join complete_weeks as cohort_is_complete on cohort_is_complete.week = cohorts.cohort_week
),

shares as (
    select
        *,
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
    {{ day_start("cohort_week") }} as time,
    cohort_week,
    week_number,
    cohort_users,
    cohort_key,
    active_users,
    share_active,
    change
from compared
