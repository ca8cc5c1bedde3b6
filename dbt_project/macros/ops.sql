{# Before a run: the marks' tables; and a plain word where ingest has never run. #}
{% macro prepare_ops() %}
    {%- set reads = source("ingest", "reads") %}
    {%- if execute and invocation_args_dict.which in ("run", "build", "test", "seed") %}
        {%- if not load_relation(reads) %}
            {{ exceptions.raise_compiler_error("there is no " ~ reads ~ ": run `make ingest` first, which makes the raw tables") }}
        {%- endif %}
        {{- check_hours(reads) }}
        create table if not exists ops.built_reads (
            fact text,
            read_id bigint,
            built_at timestamptz not null default clock_timestamp(),
            primary key (fact, read_id)
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
