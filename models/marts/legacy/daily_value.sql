with metrics as (
    select * from {{ ref("dim_metric") }}
),

coverage as (
    select * from {{ ref("fct_coverage_hourly") }}
),

daily as (
    select * from {{ ref("int_legacy__daily") }}
),

ratios as (
    select * from {{ ref("int_legacy__ratio_daily") }}
),

reported as (
    select * from {{ ref("int_measured__daily") }}
    where origin = 'reported'
),

names as (
    select * from {{ ref("int_legacy__names") }}
),

unioned as (
    select
        daily.series_id,
        daily.utc_day,
        daily.value
    from daily
    inner join metrics on metrics.metric = daily.metric
    cross join lateral (
        {{ covered_utc_day("metrics", "daily.utc_day") }}
    ) as covered
    where covered.is_complete
    union all
    select
        series_id,
        utc_day,
        value
    from ratios
    where is_complete
    union all
    select
        series_id,
        date_day as utc_day,
        value
    from reported
    where is_complete
)

select
    names.name as metric,
    unioned.utc_day as date,
    sum(unioned.value order by unioned.series_id) as value
from unioned
inner join names on names.series_id = unioned.series_id
group by {{ one_of_a_name("names") }}, unioned.utc_day
