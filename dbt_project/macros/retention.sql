{# Of users who were active in some weeks, a CTE, the week in which each was first active: their cohort. #}
{% macro with_cohorts(active_weeks) %}
    select
        active_weeks.user_id,
        active_weeks.active_week,
        date_trunc('week', first_days.date_day::timestamp)::date as cohort_week
    from {{ active_weeks }} as active_weeks
    inner join (
        {%- if facts_are_distributed() %}
        select
            user_id,
            min(date_day) as date_day
        from activity
        group by user_id
        {%- else %}
        select
            users.user_id,
            firsts.date_day
        from (select distinct user_id from {{ active_weeks }}) as users
        cross join lateral (
            select min(activity.date_day) as date_day
            from activity
            where activity.user_id = users.user_id
        ) as firsts
        {%- endif %}
    ) as first_days on first_days.user_id = active_weeks.user_id
{% endmacro %}
