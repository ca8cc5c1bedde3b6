{#
    What a metric's kind means when samples make an hour, and hours a day (design: "the kind decides everything").

    Sums are ordered: 75 % of float sums of 50 values change with the order of the rows (measured), and each
    would look like a restatement.
#}
{% macro roll_up(kind, value, weight, at) -%}
    case {{ kind }}
        when 'counter' then sum({{ value }} order by {{ at }}, {{ value }})
        when 'stock' then (array_agg({{ value }} order by {{ at }} desc, {{ value }} desc))[1]
        when 'gauge' then
            sum({{ value }} * {{ weight }} order by {{ at }}, {{ value }}) / nullif(sum({{ weight }}), 0)
    end
{%- endmacro %}

{#
    Series of a metric put together in one period, by its `across_labels`; null where that is not allowed and there is
    more than one.
#}
{% macro across_labels(rule, value, series_id) -%}
    case
        when {{ rule }} = 'sum' then sum({{ value }} order by {{ series_id }})
        when {{ rule }} = 'mean' then avg({{ value }} order by {{ series_id }})
        when count(*) = 1 then min({{ value }})
    end
{%- endmacro %}

{# Whether series of a metric may stand as one number: one alone always, several where `across_labels` allows it. #}
{% macro is_one_number(metric, series_count) -%}
    ({{ series_count }} <= 1 or {{ metric }}.across_labels is distinct from 'none')
{%- endmacro %}

{#
    What makes a metric's facts what they are: where it changes, they are built again. With the zone of the days
    where the facts are days, and the vars that a stream's SQL takes: labels of events, the window of spiders.
#}
{% macro definition(is_daily=false) -%}
    md5(
        concat_ws(
            '|', kind, stream, version, day_from
            {%- if var("event_labels") %}, case stream when 'events.events' then '{{ dbt.escape_single_quotes(var("event_labels") | join(",")) }}' end{% endif %}
            , case stream when 'spiders.statuses' then '{{ spider_window_minutes() }}' end
            {%- if is_daily %}, '{{ var("business_timezone") }}'{% endif %}
        )
    )
{%- endmacro %}

{#
    The same for what is built of a stream as a whole: where it is by days, their zone; of a mart that says when it is
    complete also the time that it settles, and the vars that it hangs on.
#}
{% macro stream_definition(is_daily, vars=none) -%}
    {%- if vars is none -%}
    md5('{{ var("business_timezone") if is_daily }}')
    {%- else -%}
    md5(
        concat_ws(
            '|', '{{ var("business_timezone") }}', max(settle_minutes) over (partition by stream)
            {%- for name in vars %}, '{{ var(name) | join(",") }}'{% endfor %}
        )
    )
    {%- endif -%}
{%- endmacro %}
