{#
    Views are replaced in place. dbt-postgres swaps them, and the swap drops every view that reads them until it
    is built again: a dashboard would see no table for seconds of each hour.
#}
{% materialization view, adapter="postgres" %}
    {%- set target_relation = this.incorporate(type="view") %}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}
    {% call statement("main") %}
        {{ get_create_view_as_sql(target_relation, sql) }}
    {% endcall %}
    {% do apply_grants(target_relation, config.get("grants"), should_revoke=true) %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# Where columns went or changed their type, PostgreSQL can't replace a view: it is dropped, with what reads it. #}
{% macro postgres__create_view_as(relation, sql) %}
    {%- if config.get("contract").enforced %}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    do $replace_view$
    begin
        create or replace view {{ relation }} as (
            {{ sql }}
        );
    exception when invalid_table_definition then
        drop view {{ relation }} cascade;
        create view {{ relation }} as (
            {{ sql }}
        );
    end
    $replace_view$;
{% endmacro %}
