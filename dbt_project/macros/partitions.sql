{#
    Large tables in a partition a month, where the var partition_by_month says so (docs/storage.md): months of UTC, which
    stay what they are whatever the business time zone is. There is no default partition: what is in one is in no month,
    and each new month would have to look through it. A build makes the months of what is dirty before it inserts; of raw
    events ingest does (ingest/raw.py).
#}

{# Whether the model's table is made so. One from before the var was set is not: then nothing here does anything. #}
{% macro is_partitioned() -%}
    {{- return(var("partition_by_month") and model.config.meta.is_large) -}}
{%- endmacro %}

{# The columns of a table that dbt makes, as they are for all; for a partitioned one also its months, before its rows. #}
{% macro postgres__get_table_columns_and_constraints() -%}
    {{ table_columns_and_constraints() }}
    {%- if is_partitioned() %}
    partition by range ({{ model.config.meta.period }});
    {{ make_dirty_months() }}
    {%- endif %}
{%- endmacro %}

{# The months of what is dirty. #}
{% macro make_dirty_months() %}
    {%- set period = model.config.meta.period %}
    {{ make_months(this, period, "dirty_days" if period == "date_day" else "dirty_hours") }}
{% endmacro %}

{# A partition for each month of a day or hour of some rows. It is made and then attached, which stops no reader. #}
{% macro make_months(relation, period, rows) %}
    {%- set midnight = "" if period == "date_day" else " 00:00+00" %}
    do $months$
    declare
        month date;
        name text;
    begin
        if not exists (select from pg_partitioned_table where partrelid = '{{ relation }}'::regclass) then
            return;
        end if;
        for month in
            select distinct date_trunc('month', {{ period if period == "date_day" else "(" ~ period ~ ") at time zone 'UTC'" }})
            from {{ rows }}
        loop
            name := '{{ relation.schema }}.{{ relation.identifier }}_' || to_char(month, 'YYYY_MM');
            if to_regclass(name) is null then
                execute format('create table %s (like {{ relation }} including all)', name);
                execute format(
                    'alter table {{ relation }} attach partition %s '
                    'for values from (''%s{{ midnight }}'') to (''%s{{ midnight }}'')',
                    name, month, (month + interval '1 month')::date
                );
            end if;
        end loop;
    end
    $months$
{% endmacro %}

{# In the condition of a query: the bounds of the dirty rows, by which PostgreSQL passes over all other months. #}
{% macro within_months(rows, dirty) -%}
    {%- if is_partitioned() %}
        {%- set period = model.config.meta.period %}
        and {{ rows }}.{{ period }} >= (select min({{ dirty }}.{{ period }}) from {{ dirty }})
        and {{ rows }}.{{ period }} <= (select max({{ dirty }}.{{ period }}) from {{ dirty }})
    {%- endif %}
{%- endmacro %}

{# After a build that made months: PostgreSQL never analyzes a partitioned table by itself. #}
{% macro analyze_months() %}
    {%- if is_partitioned() %}
        do $analyze$
        begin
            if exists (
                select
                from pg_partition_tree('{{ this }}'::regclass) as tables
                inner join pg_class on pg_class.oid = tables.relid
                where pg_class.reltuples = -1
            ) then
                analyze {{ this }};
            end if;
        end
        $analyze$;
    {%- endif %}
{% endmacro %}

{# Before a run: a plain word where the var was taken back, or the first row of the next month would have no place. #}
{% macro check_partitions() %}
    {%- set partitioned %}
        select partrelid::regclass from pg_partitioned_table inner join pg_class on oid = partrelid
        where relnamespace::regnamespace::text in ('raw', 'core')
    {%- endset %}
    {%- if not var("partition_by_month") %}
        {%- for (name,) in run_query(partitioned).rows %}
            {{- exceptions.raise_compiler_error(
                "dbt_project.yml: partition_by_month is false, and " ~ name ~ " has partitions: put true back"
            ) }}
        {%- endfor %}
    {%- endif %}
{% endmacro %}

{#
    dbt run-operation partition_by_month: makes what was there before the var anew, in partitions, each table in a
    transaction. The views that read it go, until `dbt build` or the next tick makes them again.
#}
{% macro partition_by_month() %}
    {%- if not var("partition_by_month") %}
        {{- exceptions.raise_compiler_error("dbt_project.yml: set partition_by_month to true first, or the next build stops") }}
    {%- endif %}
    {%- set large = {source("events", "events_events"): hour_of("occurred_at")} %}
    {%- for node in graph.nodes.values() if node.resource_type == "model" and node.config.meta.is_large %}
        {%- do large.update({api.Relation.create(node.database, node.schema, node.name): node.config.meta.period}) %}
    {%- endfor %}
    {%- for relation, period in large.items() %}
        {%- set is_plain = "select 1 from pg_class where oid = to_regclass('" ~ relation ~ "') and relkind = 'r'" %}
        {%- if run_query(is_plain).rows %}
            {%- do run_query(partition_sql(relation, period)) %}
            {%- do log(relation ~ " has a partition a month; now: dbt build", info=true) %}
        {%- endif %}
    {%- endfor %}
{% endmacro %}

{% macro partition_sql(relation, period) %}
    {%- set before = relation.incorporate(path={"identifier": relation.identifier ~ "_before"}) %}
    begin;
    alter table {{ relation }} rename to {{ before.identifier }};
    create table {{ relation }} (like {{ before }} including all) partition by range (({{ period }}));
    {{ make_months(relation, period, before) }};
    insert into {{ relation }}
    select before.*
    from {{ before }} as before;
    drop table {{ before }} cascade;
    analyze {{ relation }};
    delete from ops.built_project;
    commit;
{% endmacro %}
