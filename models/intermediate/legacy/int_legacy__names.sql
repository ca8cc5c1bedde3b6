{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

of_series as (
    select
        series_id,
        metric,
        labels,
        series
    from series
    union all
    select
        {{ series_id("metric", "'{}'::jsonb") }} as series_id,
        metric,
        '{}'::jsonb as labels,
        metric as series
    from metrics
    where kind = 'ratio'
)

select
    of_series.series_id,
    of_series.metric,
    coalesce({{ old_name("metrics.legacy_name", "of_series.labels") }}, of_series.series) as name,
    coalesce(metrics.across_labels = 'sum', false) as is_summed
from of_series
inner join metrics on metrics.metric = of_series.metric
