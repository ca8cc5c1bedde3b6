{# Rows of dirty periods that differ are replaced, rows that vanished go, equal rows are left alone. #}
{% macro get_incremental_replace_dirty_sql(arg_dict) %}
    {%- set meta = config.get("meta") %}
    {%- set dirty = "dirty_days" if meta.period == "date_day" else "dirty_hours" %}
    {%- set is_dirty %}
        {{- is_among(dirty, [meta.subject, meta.period]) }}
        {{- within_months("rows", dirty) }}
    {%- endset %}
    {{ replace_changed(arg_dict, is_dirty, meta.stamps, meta.revisions) }}
{% endmacro %}

{# The same of a mart, whose rows say by themselves whether they are dirty: meta.dirty. #}
{% macro get_incremental_replace_where_sql(arg_dict) %}
    {{ replace_changed(arg_dict, config.get("meta").dirty, [], false) }}
{% endmacro %}

{# The same over a whole table: dbt's swap of tables would drop the views that read it. #}
{% macro get_incremental_replace_changed_sql(arg_dict) %}
    {{ replace_changed(arg_dict, "true", [], false) }}
{% endmacro %}

{# Rows with a new key are added; what is there stays. #}
{% macro get_incremental_insert_new_sql(arg_dict) %}
    {%- set columns = arg_dict.dest_columns | map(attribute="name") | join(", ") %}
    insert into {{ arg_dict.target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict.temp_relation }}
    on conflict ({{ config.get("unique_key") | join(", ") }}) do nothing;
{% endmacro %}

{% macro replace_changed(arg_dict, is_dirty, stamps, revisions) %}
    {%- set target, fresh, key = arg_dict.target_relation, arg_dict.temp_relation, config.get("unique_key") %}
    {%- set columns = arg_dict.dest_columns | map(attribute="name") | list %}
    {%- set compared = columns | reject("in", key + stamps) | list %}
    create temporary table changed on commit drop as
    select
        {%- for column in key %}
        coalesce(old.{{ column }}, new.{{ column }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
        {%- if revisions %},
        coalesce(old.metric, new.metric) as metric,
        old.value as old_value,
        new.value as new_value,
        old.metric is null or new.sample_count > old.sample_count as is_late
        {%- endif %}
    from (
        select rows.*
        from {{ target }} as rows
        where {{ is_dirty }}{{ by_itself() }}
    ) as old
    full join {{ fresh }} as new on {{ same_key("old", "new", key) }}
    where old.{{ key[0] }} is null
        or new.{{ key[0] }} is null
        or (old.{{ compared | join(", old.") }}) is distinct from (new.{{ compared | join(", new.") }});
    analyze changed;
    {%- if revisions %}
    {{ write_revisions() }}
    {%- endif %}
    {{ as_cte("changed") }}delete from {{ target }} as rows
    using changed
    where {{ same_key("rows", "changed", key) }}
        {{- within_months("rows", "changed") }};
    insert into {{ target }} ({{ columns | join(", ") }})
    select fresh.{{ columns | join(", fresh.") }}
    from {{ fresh }} as fresh
    inner join changed on {{ same_key("fresh", "changed", key) }};
{% endmacro %}

{% macro same_key(one, other, key) -%}
    {%- for column in key -%}
        {{ one }}.{{ column }} = {{ other }}.{{ column }}{{ " and " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
