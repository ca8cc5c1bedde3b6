{# How an alert writes a value: four decimals where it is small, none where it is large. #}
{% macro as_text(value) -%}
    trim_scale(round(({{ value }})::numeric, case when abs({{ value }}) < 100 then 4 else 0 end))::text
{%- endmacro %}

{# How an alert writes an hour or a day: by the clocks of the business. #}
{% macro in_words(grain, time) -%}
    case {{ grain }}
        when 'day' then 'on ' || {{ day_of(time) }}
        else to_char({{ time }} at time zone '{{ var("business_timezone") }}', '"at" YYYY-MM-DD HH24:MI')
    end
{%- endmacro %}
