{{
    config(
        materialized="incremental",
        incremental_strategy="insert_new",
        unique_key=["series_id"],
        full_refresh=false,
        on_schema_change="fail",
        meta={"scope": "series"},
        indexes=[{"columns": ["metric"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

select distinct on (series_id)
    series_id,
    metric,
    labels,
    series
from {{ ref("int_metrics__hourly") }}
order by series_id
