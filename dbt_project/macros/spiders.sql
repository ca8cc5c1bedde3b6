{# Whether what stands in the place of a spider's workers is what it should be: a list of objects. #}
{% macro are_workers(workers) -%}
    case jsonb_typeof({{ workers }}) when 'array' then not {{ workers }} @? 'strict $[*] ? (@.type() != "object")' end
{%- endmacro %}

{# The var, where it means something: a window longer than an hour would take reports of hours that are not dirty. #}
{% macro spider_window_minutes() %}
    {%- set minutes = var("spider_window_minutes") -%}
    {%- if minutes is not integer or minutes < 1 or minutes > 60 -%}
        {{- exceptions.raise_compiler_error(
            "dbt_project.yml: spider_window_minutes is " ~ minutes ~ "; write a whole number of minutes from 1 to 60"
        ) -}}
    {%- endif -%}
    {{- return(minutes) -}}
{% endmacro %}
