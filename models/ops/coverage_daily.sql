with streams as (
    select
        stream,
        'hours' as day_from,
        max(settle_minutes) as settle_minutes
    from {{ ref("dim_metric") }}
    where status = 'active' and stream is not null
    group by stream
),

dates as (
    select * from {{ ref("dim_date") }}
    where date_day <= {{ day_of(now()) }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

first_hours as (
    select
        streams.*,
        first_hour.hour_at
    from streams
    cross join lateral (
        select coverage.hour_at
        from coverage
        where coverage.stream = streams.stream
        order by coverage.hour_at
        limit 1
    ) as first_hour
)

select
    dates.starts_at as time,
    dates.date_day,
    first_hours.stream,
    dates.hours_in_day,
    covered.hours::integer as hours_read,
    covered.hours::float8 / dates.hours_in_day as share_read,
    covered.is_complete,
    dates.date_day < {{ day_of(now()) }} as is_over
from first_hours
inner join dates on dates.date_day >= {{ day_of("first_hours.hour_at") }}
cross join lateral (
    {{ covered_day("first_hours", "dates.date_day") }}
) as covered
