{# The labels of an event's series: its type, and the keys of its attributes that the var event_labels names. #}
{% macro event_label_columns(events) -%}
    {{ events }}.type
    {%- for label in var("event_labels") %},
        {{ events }}.attributes ->> '{{ dbt.escape_single_quotes(label) }}' as label_{{ loop.index }}
    {%- endfor %}
{%- endmacro %}

{# Their names after event_label_columns, for a `group by`. #}
{% macro event_label_names() -%}
    type{% for _ in var("event_labels") %}, label_{{ loop.index }}{% endfor %}
{%- endmacro %}

{# The labels as JSON, made after grouping: grouping by JSON is slower than by its parts. #}
{% macro event_labels() -%}
    jsonb_strip_nulls(
        jsonb_build_object(
            'type', type{% for label in var("event_labels") %}, '{{ dbt.escape_single_quotes(label) }}', label_{{ loop.index }}{% endfor %}
        )
    )
{%- endmacro %}
