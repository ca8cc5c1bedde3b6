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
