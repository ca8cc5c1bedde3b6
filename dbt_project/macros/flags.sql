{# What a reader should know of a value, as a list of words. #}
{% macro flags(is_complete, origin, is_estimated, is_zero_filled) -%}
    array_remove(
        array[
            case when not {{ is_complete }} then 'open' end,
            case when {{ origin }} = 'reconstructed' then 'reconstructed' end,
            case when {{ is_estimated }} then 'estimated' end,
            case when {{ is_zero_filled }} then 'no_rows' end
        ],
        null
    )
{%- endmacro %}

{# The flags of several values put together, of those that meet `which`: no_rows only where none of them had any. #}
{% macro merged_flags(flags, which="true") -%}
    array_remove(
        array[
            {%- for flag, merge in [
                ("open", "bool_or"), ("reconstructed", "bool_or"), ("estimated", "bool_or"), ("no_rows", "bool_and")
            ] %}
            case when {{ merge }}('{{ flag }}' = any({{ flags }})) filter (where {{ which }}) then '{{ flag }}' end
            {{- "," if not loop.last }}
            {%- endfor %}
        ],
        null
    )
{%- endmacro %}
