{#
    For those whose warehouse is a Citus cluster (docs/scaling.md): target `citus` of profiles.yml. The meta.distribution of
    a table is the column by whose hash its rows lie on the workers, or `reference`: a copy on each. First it is that of
    the raw events alone; with the var distribute_facts also that of facts and dimensions. On PostgreSQL all of this
    changes nothing.
#}
{% macro on_citus() %}
    {{- return(target.name == "citus") -}}
{% endmacro %}

{% macro facts_are_distributed() %}
    {{- return(on_citus() and var("distribute_facts")) -}}
{% endmacro %}

{# Make a table a distributed or a reference table, where it is neither. #}
{% macro distribute_sql(relation, distribution) -%}
    {%- set function = "create_reference_table('" ~ relation ~ "')" if distribution == "reference"
        else "create_distributed_table('" ~ relation ~ "', '" ~ distribution ~ "')" -%}
    select {{ function }}
    where not exists (
        select from pg_dist_partition
        where logicalrelid = '{{ relation }}'::regclass
    )
{%- endmacro %}

{# A first build is distributed empty: its rows go to the workers, and none stays on the coordinator's disk. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set distribution = (config.get("meta") or {}).distribution -%}
    {%- if temporary or not distribution or not facts_are_distributed() -%}
        {{- dbt.postgres__create_table_as(temporary, relation, sql) -}}
    {%- else -%}
        {{ dbt.postgres__create_table_as(temporary, relation, "select * from (" ~ sql ~ ") as model limit 0") }}
        {{ distribute_sql(relation, distribution) }};
        insert into {{ relation }} ({{ adapter.dispatch("get_column_names", "dbt")() }})
        {{ get_select_subquery(sql) }};
    {%- endif -%}
{%- endmacro %}

{# Stop where the target promises a cluster that is not there, or a table lies on the coordinator that should not. #}
{% macro check_cluster() %}
    {%- if on_citus() %}
        {{- require_citus() }}
        {%- set local = undistributed() %}
        {%- if local %}
            {{- exceptions.raise_compiler_error(
                local[0].relation ~ " lies on the coordinator alone: `dbt run-operation distribute`, once, moves such "
                ~ "tables to the workers (docs/scaling.md)"
            ) }}
        {%- endif %}
    {%- endif %}
{% endmacro %}

{% macro require_citus() %}
    {%- if run_query("select to_regclass('pg_dist_partition')").rows[0][0] is none -%}
        {{- exceptions.raise_compiler_error(
            "profiles.yml: target citus, and the database " ~ target.dbname ~ " has no extension citus: "
            ~ "`create extension citus` on each node, or use the target postgres"
        ) -}}
    {%- endif -%}
{% endmacro %}

{# Move the tables of a warehouse that was built on PostgreSQL to the workers: `dbt run-operation distribute`. #}
{% macro distribute() %}
    {%- if not on_citus() -%}
        {{- exceptions.raise_compiler_error("the target is " ~ target.name ~ ", not citus: set DBT_TARGET=citus") -}}
    {%- endif -%}
    {{- require_citus() }}
    {%- for table in undistributed() %}
        {%- do run_query(distribute_sql(table.relation, table.distribution)) %}
        {%- do run_query("select truncate_local_data_after_distributing_table('" ~ table.relation ~ "')") %}
        {%- do log(table.relation ~ ": " ~ table.distribution, info=true) %}
    {%- else %}
        {%- do log("no table is to be moved: `make ingest` makes the raw ones, `dbt build` the facts", info=true) %}
    {%- endfor %}
{% endmacro %}

{# Relation and distribution of the tables that should be distributed, and are not. #}
{% macro undistributed() %}
    {%- set nodes = graph.sources.values() | list -%}
    {%- if facts_are_distributed() -%}
        {%- do nodes.extend(graph.nodes.values() | selectattr("resource_type", "equalto", "model")) -%}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for node in nodes if node.config.meta.distribution -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.identifier or node.alias) -%}
        {%- if relation and relation.is_table -%}
            {%- set known = "select 1 from pg_dist_partition where logicalrelid = '" ~ relation ~ "'::regclass" -%}
            {%- if not run_query(known).rows -%}
                {%- do found.append({"relation": relation, "distribution": node.config.meta.distribution}) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{#
    What Citus can't do, and how it is said to it. A correlated subquery may read no table of the coordinator, such as
    those of what is dirty: there they are asked by `in`, which Citus works out once and sends to the workers.
#}
{% macro is_among(table, columns) -%}
    {%- if facts_are_distributed() %}
        (rows.{{ columns | join(", rows.") }}) in (
            select dirty.{{ columns | join(", dirty.") }}
            from {{ table }} as dirty
        )
    {%- else %}
        exists (
            select from {{ table }} as dirty
            where {% for column in columns -%}
                dirty.{{ column }} = rows.{{ column }}{{ " and " if not loop.last }}
            {%- endfor %}
        )
    {%- endif %}
{%- endmacro %}

{# A subquery with it is worked out by itself, and the rest on the coordinator by PostgreSQL, which can do all. #}
{% macro by_itself() -%}
    {{ "\n        offset 0" if facts_are_distributed() }}
{%- endmacro %}

{# A fence where PostgreSQL needs one and a worker can't have one: of a subquery for each row of another. #}
{% macro fence() -%}
    {{ "offset 0" if not facts_are_distributed() }}
{%- endmacro %}

{# Rows of a table of the coordinator as those of a CTE: a reference table can't be changed by the table itself. #}
{% macro as_cte(table) -%}
    {{ "with " ~ table ~ " as materialized (select * from " ~ table ~ ")\n    " if facts_are_distributed() }}
{%- endmacro %}

{# The first period of each of the series, from a CTE `facts`: PostgreSQL looks each up, a worker groups its own. #}
{% macro join_first_fact(period) -%}
    {%- if facts_are_distributed() -%}
    inner join (
        select
            facts.series_id,
            facts.metric,
            min(facts.{{ period }}) as {{ period }}
        from facts
        group by facts.series_id, facts.metric
    ) as first_fact on first_fact.series_id = series.series_id and first_fact.metric = series.metric
    {%- else -%}
    cross join lateral (
        select facts.{{ period }}
        from facts
        where facts.series_id = series.series_id
        order by facts.{{ period }}
        limit 1
    ) as first_fact
    {%- endif -%}
{%- endmacro %}

{# Whether a table has a row of a metric, for a condition: the workers say once of which metrics they have rows. #}
{% macro has_metric(facts, metric) -%}
    {%- if facts_are_distributed() -%}
    {{ metric }} in (
        select facts.metric
        from {{ facts }} as facts
        group by facts.metric
    )
    {%- else -%}
    exists (
        select from {{ facts }} as facts
        where facts.metric = {{ metric }}
    )
    {%- endif -%}
{%- endmacro %}

{# Whether there are events in an hour of a CTE, for a condition: the workers say once in which hours they have some. #}
{% macro has_events(events, hours) -%}
    {%- set hour_at = hour_of("events.occurred_at") -%}
    {%- if on_citus() -%}
    {{ hours }}.hour_at in (
            select {{ hour_at }}
            from {{ events }} as events
            where {{ hour_at }} >= (select min({{ hours }}.hour_at) from {{ hours }})
            group by 1
        )
    {%- else -%}
    exists (
            select from {{ events }} as events
            where {{ hour_at }} = {{ hours }}.hour_at
        )
    {%- endif -%}
{%- endmacro %}
