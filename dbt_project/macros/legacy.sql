{#
    What the 2018 job called a series: its metric's legacy_name with each {label} replaced. Null where there is no
    legacy_name, or the series lacks a label that it names.
#}
{% macro old_name(legacy_name, labels) -%}
    (
        select
            case
                when bool_and(part.found[1] is not null or {{ labels }} ? part.found[2])
                    then string_agg(coalesce(part.found[1], {{ labels }} ->> part.found[2]), '' order by part.number)
            end
        from regexp_matches({{ legacy_name }}, '([^{}]+)|[{]([^{}]+)[}]', 'g') with ordinality as part (found, number)
    )
{%- endmacro %}

{# How far a UTC day of a metric was read; as covered_day, over a CTE `coverage`. #}
{% macro covered_utc_day(metric, utc_day) -%}
    select
        count(*) as hours,
        count(*) filter (where coverage.read_at >= {{ settled_at("coverage.hour_at", metric) }}) = 24 as is_complete
    from coverage
    where coverage.stream = {{ metric }}.stream
        and coverage.hour_at >= {{ utc_day }}::timestamp at time zone 'UTC'
        and coverage.hour_at < ({{ utc_day }} + 1)::timestamp at time zone 'UTC'
{%- endmacro %}

{# Series of one name are one value where their metric may be summed over labels. #}
{% macro one_of_a_name(names) -%}
    {{ names }}.name, {{ names }}.metric, case when not {{ names }}.is_summed then {{ names }}.series_id end
{%- endmacro %}
