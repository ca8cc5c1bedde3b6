{# Whether a value meets its target: at least it where up is good, at most it where down is. #}
{% macro is_on_target(value, target, direction) -%}
    case {{ direction }} when 'up' then {{ value }} >= {{ target }} when 'down' then {{ value }} <= {{ target }} end
{%- endmacro %}

{# The bounds of a target's window: its last days, up to this hour or up to today. #}
{% macro window_start(grain, days) -%}
    {{ hour_of(now()) ~ " - " ~ days ~ " * interval '24 hours'" if grain == "hour" else day_start("(" ~ day_of(now()) ~ " - " ~ days ~ ")") }}
{%- endmacro %}

{% macro window_end(grain) -%}
    {{ hour_of(now()) if grain == "hour" else day_start(day_of(now())) }}
{%- endmacro %}
