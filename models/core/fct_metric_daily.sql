{{
    config(
        materialized="incremental",
        incremental_strategy="replace_dirty",
        unique_key=["series_id", "date_day"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={
            "period": "date_day",
            "subject": "metric",
            "stamps": ["built_at"],
            "revisions": true,
            "distribution": "series_id",
        },
        indexes=[{"columns": ["metric", "date_day"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

-- depends_on: {{ ref("fct_metric_revision") }}
select
    series_id,
    date_day,
    metric,
    value,
    origin,
    hours_observed,
    hours_expected,
    sample_count,
    is_estimated,
    now() as built_at
from {{ ref("int_metrics__daily") }}
