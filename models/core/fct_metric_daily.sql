{{
    config(
        materialized="incremental",
        incremental_strategy="replace_dirty",
        unique_key=["series_id", "date_day"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={"period": "date_day", "scope": "metric", "stamps": ["built_at"]},
        indexes=[{"columns": ["metric", "date_day"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

select
    series_id,
    date_day,
    metric,
    value,
    origin,
    hours_observed,
    hours_expected,
    is_estimated,
    now() as built_at
from {{ ref("int_metrics__daily") }}
