{{
    config(
        materialized="incremental",
        incremental_strategy="replace_where",
        unique_key=["grain", "period_start", "stream"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={
            "subject": "stream",
            "vars": [],
            "dirty": "exists (select from dirty_days as dirty where dirty.stream = rows.stream"
            " and date_trunc(rows.grain, dirty.date_day::timestamp)::date = rows.period_start)",
        },
        indexes=[{"columns": ["grain", "period_start", "stream"], "unique": true}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

with dirty_days as (
    select distinct
        stream,
        date_day
    from {{ ref("dirty_days") }}
),

activity as not materialized (
    select * from {{ ref("fct_user_activity_daily") }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

streams as (
    select
        stream,
        'hours' as day_from,
        max(settle_minutes) as settle_minutes
    from {{ ref("dim_metric") }}
    group by stream
),

periods as (
    select distinct
        streams.stream,
        streams.day_from,
        streams.settle_minutes,
        grains.grain,
        date_trunc(grains.grain, dirty_days.date_day::timestamp)::date as period_start
    from dirty_days
    inner join streams on streams.stream = dirty_days.stream
    cross join (values ('day'), ('week'), ('month')) as grains (grain)
),

dated as (
    select
        *,
        (period_start + ('1 ' || grain)::interval)::date as next_start
    from periods
),

-- Each user is counted once in each period: days don't add up to weeks.
active as (
    {%- if facts_are_distributed() %}
    select
        dated.stream,
        dated.day_from,
        dated.settle_minutes,
        dated.grain,
        dated.period_start,
        dated.next_start,
        count(distinct activity.user_id) as active_users,
        sum(activity.event_count)::bigint as event_count
    from dated
    inner join activity
        on activity.stream = dated.stream
        and activity.date_day >= dated.period_start
        and activity.date_day < dated.next_start
    group by
        dated.stream, dated.day_from, dated.settle_minutes, dated.grain, dated.period_start, dated.next_start
    {%- else %}
    select
        dated.*,
        counted.active_users,
        counted.event_count
    from dated
    cross join lateral (
        select
            count(*) as active_users,
            sum(users.event_count)::bigint as event_count
        from (
            select sum(activity.event_count) as event_count
            from activity
            where activity.stream = dated.stream
                and activity.date_day >= dated.period_start
                and activity.date_day < dated.next_start
            group by activity.user_id
        ) as users
    ) as counted
    where counted.active_users > 0
    {%- endif %}
)

select
    {{ day_start("active.period_start") }} as time,
    active.grain,
    active.period_start,
    active.stream,
    active.active_users,
    active.event_count,
    complete.days = active.next_start - active.period_start as is_complete
from active
cross join lateral (
    select count(*) filter (where covered.is_complete) as days
    from generate_series(0, active.next_start - active.period_start - 1) as days (days)
    cross join lateral (
        {{ covered_day("active", "(active.period_start + days.days)") }}
    ) as covered
) as complete
