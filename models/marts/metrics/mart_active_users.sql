{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        unique_key=["grain", "period_start", "stream"],
        on_schema_change="append_new_columns",
        indexes=[{"columns": ["grain", "period_start", "stream"], "unique": true}],
    )
}}

{%- set grains = ["day", "week", "month"] -%}

with activity as (
    select * from {{ ref("fct_user_activity_daily") }}
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
    group by stream
),

days as (
    select
        streams.stream,
        dates.date_day,
        covered.is_complete
    from streams
    inner join dates on dates.date_day between
        (select min(activity.date_day) from activity) and (select max(activity.date_day) from activity)
    cross join lateral (
        {{ covered_day("streams", "dates.date_day") }}
    ) as covered
),

-- Each user is counted once in each period: days don't add up to weeks.
{%- for grain in grains %}
by_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        date_trunc('{{ grain }}', date_day::timestamp)::date as period_start,
        stream,
        count(distinct user_id) as active_users,
        sum(event_count)::bigint as event_count
    from activity
    group by period_start, stream
),

complete_by_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        date_trunc('{{ grain }}', date_day::timestamp)::date as period_start,
        stream,
        count(*) filter (where is_complete) as complete_days
    from days
    group by period_start, stream
),
{% endfor %}
active as (
    {%- for grain in grains %}
    select
        active.*,
        complete.complete_days
        = (active.period_start + interval '1 {{ grain }}')::date - active.period_start as is_complete
    from by_{{ grain }} as active
    inner join complete_by_{{ grain }} as complete using (grain, period_start, stream)
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select
    {{ day_start("period_start") }} as time,
    grain,
    period_start,
    stream,
    active_users,
    event_count,
    is_complete
from active
