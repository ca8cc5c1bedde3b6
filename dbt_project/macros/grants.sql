{#
    dbt fails where a role of the config `grants` is not there, and on many servers its user may not make one: such a
    role is passed over, and has its grants from the first build after it was made (`make roles`).
#}
{% macro postgres__get_grant_sql(relation, privilege, grantees) %}
    do $grant$
    begin
        {%- for grantee in grantees %}
        if exists (select from pg_roles where rolname = '{{ grantee }}') then
            grant {{ privilege }} on {{ relation.render() }} to {{ adapter.quote(grantee) }};
        end if;
        {%- endfor %}
    end
    $grant$
{% endmacro %}

{# After a run: the schemas of what was granted. Not with each model: two at once would collide on the schema's row. #}
{% macro grant_usage() %}
    {%- if execute and invocation_args_dict.which in ("run", "build") %}
        {%- set schemas = {} %}
        {%- for node in graph.nodes.values() if node.resource_type == "model" %}
            {%- for grantee in node.config.grants.get("select", []) %}
                {%- do schemas.update({(node.schema, grantee): true}) %}
            {%- endfor %}
        {%- endfor %}
        do $grant$
        begin
            {%- for schema, grantee in schemas %}
            if exists (select from pg_roles where rolname = '{{ grantee }}')
                and to_regnamespace('{{ schema }}') is not null then
                grant usage on schema {{ adapter.quote(schema) }} to {{ adapter.quote(grantee) }};
            end if;
            {%- endfor %}
        end
        $grant$;
    {%- endif %}
{% endmacro %}
