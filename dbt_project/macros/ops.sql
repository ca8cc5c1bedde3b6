{# Before a run: the marks' tables; and a plain word where ingest has never run. #}
{% macro prepare_ops() %}
    {%- set reads = source("ingest", "reads") %}
    {%- if execute and invocation_args_dict.which in ("run", "build", "test", "seed") %}
        {%- if not load_relation(reads) %}
            {{ exceptions.raise_compiler_error("there is no " ~ reads ~ ": run `make ingest` first, which makes the raw tables") }}
        {%- endif %}
        {{- check_hours(reads) }}
        {{- check_partitions() }}
        {{- check_cluster() }}
        create table if not exists ops.built_reads (
            fact text,
            read_id bigint,
            built_at timestamptz not null default clock_timestamp(),
            primary key (fact, read_id)
        );
        create table if not exists ops.built_until (
            fact text primary key,
            read_id bigint not null
        );
        create table if not exists ops.built_definitions (
            fact text,
            subject text,
            stream text not null,
            definition text not null,
            primary key (fact, subject)
        );
    {%- endif %}
{% endmacro %}

{# Hours are kept by instant: a zone whose hours start at another minute can't be built on those that are there. #}
{% macro check_hours(reads) %}
    {%- set other = "select 1 from (select * from " ~ reads ~ " limit 1) as reads where period_start <> " ~ hour_of("period_start") %}
    {%- if run_query(other).rows %}
        {{- exceptions.raise_compiler_error(
            "dbt_project.yml: the hours of business_timezone " ~ var("business_timezone") ~ " start at another minute than "
            ~ "those in this warehouse: put the zone back, or use another database"
        ) }}
    {%- endif %}
{% endmacro %}

{# After a run: how each node ended, in one statement. Of an exposure nothing is run. #}
{% macro keep_nodes(results) %}
    {%- set nodes = source("ops", "nodes") %}
    {%- set ended = results | rejectattr("node.resource_type", "equalto", "exposure") | list if execute else [] %}
    {%- if ended and load_relation(nodes) %}
        insert into {{ nodes }} (invocation_id, node, resource_type, status, started_at, seconds, row_count, message)
        values
        {%- for result in ended %}
            {%- set times = result.timing | selectattr("started_at") | map(attribute="started_at") | list %}
            {%- set started_at = times | min if times else run_started_at.replace(tzinfo=none) %}
            {%- set row_count = (result.adapter_response or {}).get("rows_affected", -1) if result.failures is none else result.failures %}
            (
                '{{ invocation_id }}',
                {{ dbt.string_literal(dbt.escape_single_quotes(result.node.name)) }},
                '{{ result.node.resource_type }}',
                '{{ result.status }}',
                '{{ started_at.isoformat() }}+00',
                {{ result.execution_time }},
                {{ row_count if row_count is number and row_count >= 0 else "null" }}::bigint,
                {% if result.status in ("success", "pass") or not result.message -%}
                null
                {%- else -%}
                {{ dbt.string_literal(dbt.escape_single_quotes((result.message | string | trim)[:1000])) }}
                {%- endif %}::text
            ){{ "," if not loop.last }}
        {%- endfor %}
    {%- endif %}
{% endmacro %}

{# After a build: how many there are of what is not well. #}
{% macro keep_findings() %}
    {%- set found, findings = source("ops", "found"), ref("findings") %}
    {%- if execute and invocation_args_dict.which in ("run", "build") and load_relation(found) and load_relation(findings) %}
        insert into {{ found }} (invocation_id, finding, found)
        select
            '{{ invocation_id }}',
            name,
            found
        from {{ findings }}
    {%- endif %}
{% endmacro %}

{# After a run: a line for each source whose numbers are missing, since a failed test shows only its name. #}
{% macro report_unread_sources() %}
    {%- set unread = ref("unread_sources") %}
    {%- if execute and invocation_args_dict.which in ("run", "build", "test") and load_relation(unread) %}
        {%- set found = run_query("select source, message from " ~ unread) %}
        {%- for source, message in found.rows %}
            {%- do log("NOT READ " ~ source ~ ": " ~ message, info=true) %}
        {%- endfor %}
    {%- endif %}
{% endmacro %}
