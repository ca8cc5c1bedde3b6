with hourly as (
    select * from {{ ref("mart_hourly") }}
    where is_complete
),

names as (
    select * from {{ ref("int_legacy__names") }}
)

select
    names.name as metric,
    (hourly.time at time zone 'UTC')::date as date,
    extract(hour from hourly.time at time zone 'UTC')::smallint as hour,
    sum(hourly.value order by hourly.series_id) as value
from hourly
inner join names on names.series_id = hourly.series_id
group by {{ one_of_a_name("names") }}, hourly.time
