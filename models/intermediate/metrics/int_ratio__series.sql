{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
),

numerators as (
    select
        metrics.metric,
        'numerator' as side,
        series.series_id
    from metrics
    inner join series on series.metric = metrics.numerator
    where metrics.kind = 'ratio' and {{ labels_match("series.labels", "metrics.numerator_labels") }}
),

denominators as (
    select
        metrics.metric,
        'denominator' as side,
        series.series_id
    from metrics
    inner join series on series.metric = metrics.denominator
    where metrics.kind = 'ratio' and {{ labels_match("series.labels", "metrics.denominator_labels") }}
)

select * from numerators
union all
select * from denominators
