-- Fails for each name that two series share which may not be summed: hourly_value would have two values of one hour.
-- The cure is a legacy_name in seeds/metrics.csv that holds the label that tells them apart.
select
    name,
    array_agg(distinct metric) as metrics,
    count(*) as series_count
from {{ ref("int_legacy__names") }}
group by name
having count(distinct metric) > 1
    or (count(*) > 1 and not bool_and(is_summed))
