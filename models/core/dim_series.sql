{{
    config(
        materialized="incremental",
        incremental_strategy="insert_new",
        unique_key=["series_id"],
        full_refresh=false,
        on_schema_change="fail",
        meta={"subject": "metric", "from_raw": true, "distribution": "reference"},
        indexes=[{"columns": ["metric"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

with hourly as (
    select * from {{ ref("int_metrics__hourly") }}
),

reported as (
    select * from {{ ref("int_metrics__reported") }}
),

durations as (
    select * from {{ ref("int_metrics__durations") }}
),

unioned as (
    select
        series_id,
        metric,
        labels,
        series
    from hourly
    union all
    select
        series_id,
        metric,
        labels,
        series
    from reported
    union all
    select
        series_id,
        metric,
        labels,
        series
    from durations
)

select distinct on (series_id)
    series_id,
    metric,
    labels,
    series
from unioned
order by series_id
