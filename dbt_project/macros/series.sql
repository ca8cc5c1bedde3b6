{# First 8 bytes of the sha256 of compact JSON [metric,[[key,value],...]], keys in byte order: one id for ever. #}
{% macro series_id(metric, labels) -%}
    (
        'x' || encode(
            substring(
                sha256(
                    convert_to(
                        '[' || to_json({{ metric }})::text || ',[' || coalesce((
                            select
                                string_agg(
                                    '[' || to_json(label.key)::text || ',' || to_json(label.value)::text || ']',
                                    ',' order by label.key collate "C"
                                )
                            from jsonb_each_text({{ labels }}) as label
                        ), '') || ']]',
                        'UTF8'
                    )
                )
                for 8
            ),
            'hex'
        )
    )::bit(64)::bigint
{%- endmacro %}

{# A series as people write it: http.requests{status=200}. #}
{% macro series_name(metric, labels) -%}
    {{ metric }} || coalesce((
        select
            '{' || string_agg(label.key || '=' || label.value, ',' order by label.key collate "C") || '}'
        from jsonb_each_text({{ labels }}) as label
    ), '')
{%- endmacro %}

{# Whether labels meet a selector: each of its keys has the value given, or one of the values of a list. #}
{% macro labels_match(labels, selector) -%}
    not exists (
        select
        from jsonb_each(coalesce({{ selector }}, '{}'::jsonb)) as wanted
        where coalesce(
            case jsonb_typeof(wanted.value)
                when 'array' then not wanted.value @> jsonb_build_array({{ labels }} -> wanted.key)
                else {{ labels }} -> wanted.key <> wanted.value
            end,
            true
        )
    )
{%- endmacro %}
