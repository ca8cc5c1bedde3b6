{#
    For a mart over all of history, which a view would read anew for each who looks (1 million rows of activity: 2 s a
    panel). Its rows are replaced whole with each build, in one transaction: readers see the old ones or the new ones.

        materialized="incremental", incremental_strategy="append", pre_hook="{{ replace_rows() }}"

    Not dbt's table: its swap drops the views that read it. The lock keeps two builds from adding their rows twice.
#}
{% macro replace_rows() %}
    {%- if execute and load_cached_relation(this).type == "table" %}
        lock table {{ this }} in share row exclusive mode;
        delete from {{ this }};
    {%- endif %}
{% endmacro %}
