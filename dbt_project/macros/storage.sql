{#
    After a run: how autovacuum looks after the tables, where nobody has said it of one by hand. A tick replaces the rows of
    a few hours, so what dies is the same however long the history is; PostgreSQL waits until a fifth of all rows has died,
    a tenth has changed: after five years for more than a year's worth. By catalog, since ingest and dbt both make tables.
#}
{% macro set_autovacuum() %}
    {%- if execute and invocation_args_dict.which in ("run", "build") %}
        do $autovacuum$
        declare
            name text;
        begin
            for name in
                select pg_class.oid::regclass
                from pg_catalog.pg_class
                where pg_class.relnamespace::regnamespace::text in ('raw', 'core', 'marts', 'ops')
                    and pg_class.relkind = 'r'
                    and coalesce(pg_class.reloptions::text not like '%autovacuum%', true)
                    and pg_has_role(pg_class.relowner, 'usage')
                order by pg_class.oid
            loop
                execute 'alter table ' || name || ' set ('
                    'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, '
                    'autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)';
            end loop;
        end
        $autovacuum$;
    {%- endif %}
{% endmacro %}
