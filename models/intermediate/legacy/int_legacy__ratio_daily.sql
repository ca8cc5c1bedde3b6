{{ config(materialized="view") }}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

ratio_series as (
    select * from {{ ref("int_ratio__series") }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

daily as (
    select * from {{ ref("int_legacy__daily") }}
),

-- Not the macro of the other ratios: it looks each side up by index, which a day that is rolled up anew does not have.
sides as (
    select
        ratio_series.metric,
        daily.utc_day,
        sum(daily.value order by daily.series_id) filter (where ratio_series.side = 'numerator') as numerator,
        sum(daily.value order by daily.series_id) filter (where ratio_series.side = 'denominator') as denominator,
        count(*) filter (where ratio_series.side = 'numerator') as numerator_series,
        count(*) filter (where ratio_series.side = 'denominator') as denominator_series
    from ratio_series
    inner join daily on daily.series_id = ratio_series.series_id
    group by ratio_series.metric, daily.utc_day
),

divided as (
    select
        sides.utc_day,
        sides.metric,
        {{ series_id("sides.metric", "'{}'::jsonb") }} as series_id,
        coalesce(sides.numerator, case when above.zero_fill then 0 end) / nullif(sides.denominator, 0) as value,
        above_covered.is_complete and below_covered.is_complete as is_complete
    from sides
    inner join metrics on metrics.metric = sides.metric
    inner join metrics as above on above.metric = metrics.numerator
    inner join metrics as below on below.metric = metrics.denominator
    cross join lateral (
        {{ covered_utc_day("above", "sides.utc_day") }}
    ) as above_covered
    cross join lateral (
        {{ covered_utc_day("below", "sides.utc_day") }}
    ) as below_covered
    where {{ is_one_number("above", "sides.numerator_series") }}
        and {{ is_one_number("below", "sides.denominator_series") }}
)

select *
from divided
where value is not null
