{#
    How far a period of a metric was read: how many of its hours whole, and whether all of them late
    enough to be complete. Subqueries over a CTE `coverage`, one for hours and one for business days. A day that its
    source reports was read whole with each of its hours, and counts once it was over.
#}
{% macro covered_hour(metric, hour_at) -%}
    select
        count(*) as hours,
        coalesce(bool_and(coverage.read_at >= {{ settled_at("coverage.hour_at", metric) }}), false) as is_complete
    from coverage
    where coverage.stream = {{ metric }}.stream and coverage.hour_at = {{ hour_at }}
{%- endmacro %}

{% macro covered_day(metric, date_day) -%}
    select
        count(*) as hours,
        count(*) filter (
            where coverage.read_at >= case {{ metric }}.day_from
                when 'source' then {{ day_settled_at(date_day, metric) }}
                else {{ settled_at("coverage.hour_at", metric) }}
            end
        ) = {{ hours_in_day(date_day) }} as is_complete
    from coverage
    where coverage.stream = {{ metric }}.stream
        and coverage.hour_at >= {{ day_start(date_day) }}
        and coverage.hour_at < {{ day_start(date_day ~ " + 1") }}
{%- endmacro %}
