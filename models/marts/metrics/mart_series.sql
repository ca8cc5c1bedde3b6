with metrics as (
    select * from {{ ref("dim_metric") }}
),

series as (
    select * from {{ ref("dim_series") }}
)

select
    series.series,
    series.metric
from series
inner join metrics on metrics.metric = series.metric
union all
select
    metric as series,
    metric
from metrics
where kind = 'ratio'
