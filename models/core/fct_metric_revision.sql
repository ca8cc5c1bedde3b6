{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={"distribution": "series_id"},
        indexes=[{"columns": ["metric", "revised_at"]}, {"columns": ["period_at"]}, {"columns": ["revised_at"]}],
    )
}}

-- The facts write it, each in its own transaction (macro replace_changed); this model only keeps its shape.
select
    null::bigint as series_id,
    null::text as grain,
    null::timestamptz as period_at,
    null::timestamptz as revised_at,
    null::text as metric,
    null::float8 as old_value,
    null::float8 as new_value,
    null::text as reason
where false
