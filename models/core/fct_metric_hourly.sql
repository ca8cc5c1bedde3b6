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
            "revisions": true,
            "from_raw": true,
            "is_large": true,
            "distribution": "series_id",
        },
        indexes=[{"columns": ["metric", "hour_at"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

-- depends_on: {{ ref("fct_metric_revision") }}
select
    series_id,
    hour_at,
    metric,
    value,
    sample_count,
    origin,
    is_estimated,
    now() as built_at
from {{ ref("int_metrics__hourly") }}
