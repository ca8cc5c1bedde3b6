{{
    config(
        materialized="incremental",
        incremental_strategy="replace_dirty",
        unique_key=["series_id", "hour_at"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={
            "period": "hour_at",
            "subject": "metric",
            "stamps": ["built_at"],
            "from_raw": true,
            "is_large": true,
            "distribution": "series_id",
        },
        indexes=[{"columns": ["metric", "hour_at"]}, {"columns": ["metric", "(" ~ day_of("hour_at") ~ ")"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

select
    series_id,
    hour_at,
    metric,
    count,
    sum,
    min,
    max,
    buckets,
    counts,
    now() as built_at
from {{ ref("int_metrics__durations") }}
